/** The stores of sessions that the locations of one server share. */
export class SessionRegistry {}
