/** Why a directive may not stand in an `if`, and what to write instead. */

const STEPS = '"rewrite", "set", "break" and "return"';

/** By name. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ["if", 'conditions do not nest: "set" a variable in each, and test that behind them'],
  ["location", 'a location is chosen by its path: "rewrite ... last" leads to another one'],
  ["try_files", 'test with "if (!-e $request_filename)", or write it in a location that "rewrite ... last" leads to'],
  ["alias", '"root" is allowed'],
  ["allow", '"return 403" refuses'],
  ["deny", '"return 403" refuses'],
  ["auth_basic", 'its text may be a variable: "map" one to "off"'],
  ["limit_req", 'its zone may have a variable as key: "map" one to an empty text'],
  ["limit_conn", 'its zone may have a variable as key: "map" one to an empty text'],
]);

/** The end of the message. @param inLocation the `if` stands in a location, not in the server */
export function insteadOfIf(name: string, inLocation: boolean): string {
  const instead = INSTEAD.get(name);
  if (instead !== undefined) return instead;
  return inLocation
    ? 'write it in the location around it, or in one that "rewrite ... last" leads to'
    : `the "if" of a server has only ${STEPS}: write it in a location`;
}
