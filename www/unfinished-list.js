// What an earlier visit left unfinished, as a list: each can be forgotten, here and by the server.
import { formatSize, visible } from "./format.js";
import { terminate } from "./tus.js";
import { forget, remembered } from "./unfinished.js";

/** Draws the list into `section`, without those whose address is among `current`: they are under way. */
export function showUnfinished(section, current) {
  const entries = remembered().filter(({ url }) => !current.has(url));
  section.hidden = entries.length === 0;
  section.querySelector("ul").replaceChildren(...entries.map((entry) => row(section, current, entry)));
}

function row(section, current, { path, size, url }) {
  const item = document.createElement("li");
  item.className = "upload";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet small";
  button.textContent = "Forget";
  button.ariaLabel = `Forget ${visible(path)}`;
  button.addEventListener("click", async () => {
    button.disabled = true;
    await terminate(url);
    forget(url);
    showUnfinished(section, current);
  });
  item.append(labelled("name", visible(path)), labelled("detail soft", formatSize(size)), labelled("buttons", button));
  return item;
}

function labelled(className, content) {
  const element = document.createElement("span");
  element.className = className;
  element.append(content);
  return element;
}
