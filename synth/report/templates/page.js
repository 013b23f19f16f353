"use strict";
// What the scripts of every page begin with. Texts reach the page by textContent alone.

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const words = ((kept) => () => (kept ??= read("words")))();
const data = ((kept) => () => (kept ??= read("data")))();

// An element of a tag with attributes (class, title, …) and children: elements, or texts that stay texts.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
