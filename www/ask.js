// A request by a page's script. What goes wrong is an Error whose message is for people.

/** The reply, if it says that all is well; `reasons` are texts for statuses that do not. The error then has the status. */
export async function ask(url, options, reasons = {}) {
  const reply = await fetch(url, options).catch(() => {
    throw new Error("The server does not answer. Is the connection there?");
  });
  if (reply.ok) return reply;
  const message = reasons[reply.status] ?? `The server answered ${reply.status} ${reply.statusText}.`;
  throw Object.assign(new Error(message), { status: reply.status });
}
