/** Finds the known name that is nearest to a misspelt one. */

/** Names from other servers and common guesses, with ours. */
const OTHER_WORDS: ReadonlyMap<string, string> = new Map([
  ["methods", "allowed_methods"],
  ["allow_methods", "allowed_methods"],
  ["cgi_handler", "cgi"],
  ["cgi_pass", "cgi"],
  ["cgi_path", "cgi"],
  ["cgi_ext", "cgi"],
  ["redirect", "return"],
  ["redirection", "return"],
  ["host", "listen"],
  ["port", "listen"],
  ["upload_path", "upload_store"],
  ["upload_dir", "upload_store"],
  ["directory_listing", "autoindex"],
  ["dir_listing", "autoindex"],
  ["max_body_size", "client_max_body_size"],
  ["body_size", "client_max_body_size"],
  ["default_error_page", "error_page"],
]);

/** As `suggestion`, for the name of a directive; also knows other words for the same thing. */
export const directiveSuggestion = (name: string, names: Iterable<string>): string => {
  const word = OTHER_WORDS.get(name.toLowerCase());
  return word === undefined ? suggestion(name, names) : ` (did you mean "${word}"?)`;
};

/** ` (did you mean "NAME"?)` for the nearest of `names`, or "" when none is near. `mark` is put before the name. */
export function suggestion(name: string, names: Iterable<string>, mark = ""): string {
  const limit = Math.min(3, Math.max(1, Math.floor(name.length / 3)));
  let best = "";
  let least = limit + 1;
  for (const candidate of names) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const distance = editDistance(name.toLowerCase(), candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best === "" ? "" : ` (did you mean "${mark}${best}"?)`;
}

/** The number of insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    [before, previous] = [previous, row];
  }
  return previous[b.length]!;
}
