// Files out of a drop or a picker, folders with all that is in them: a list of { file, path }.

/** Whether it is a hidden file of a folder, such as .DS_Store or those in .git: nobody means them, and the server takes no such names. */
export const isHidden = ({ path }) => path.includes("/") && /(^|\/)\./.test(path);

/** What was chosen in an `<input type="file">`; a folder's files have the folders in their path. */
export function chosenFiles(input) {
  return [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** What was dropped. The DataTransfer is empty after the event, so everything is taken from it before the first wait. */
export function droppedFiles(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const taken = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  const lists = taken.map(({ entry, file }) => (entry?.isDirectory ? filesIn(entry) : [{ file, path: file.name }]));
  return Promise.all(lists).then((all) => all.flat());
}

async function filesIn(entry) {
  if (entry.isFile) return [{ file: await fileOf(entry), path: entry.fullPath.slice(1) }];
  const lists = [];
  for (const inner of await entriesOf(entry.createReader())) lists.push(await filesIn(inner));
  return lists.flat();
}

const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

/** A reader gives a hundred entries at a time, and none at the end. */
async function entriesOf(reader) {
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}
