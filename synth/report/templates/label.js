// Rows one by one, labelled by keys. What was said of them stays in the browser, if it keeps anything, and is saved as JSON lines.

const sheet = data();
const $ = (id) => document.getElementById(id);
const told = (key, values = {}) => words()[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
const LONGEST = 20_000; // characters shown at once: a browser needs a second to set a million
let reader = "";
let said = {};     // by id of a row: {label, note, skipped, date}
let at = 0;
let unsaved = new Set();   // ids of rows of which no file tells yet

// Some browsers give a file on disk nothing to keep, or throw where it is asked for.
const store = (() => {
  try {
    localStorage.setItem("synth.label", "1");
    return localStorage.getItem("synth.label") === "1" ? localStorage : null;
  } catch { return null; }
})();
let keeps = store !== null;
const place = (who) => `synth.label.${sheet.sheet}.${who}`;

function keep() {
  if (!store) return;
  try {
    store.setItem(place(reader), JSON.stringify({ said, at, unsaved: [...unsaved] }));
    keeps = true;
  } catch { keeps = false; }
}

function kept(who) {
  try {
    const found = JSON.parse(store?.getItem(place(who)) ?? "{}");
    return { said: found.said ?? {}, at: Math.min(found.at ?? 0, sheet.rows.length - 1), unsaved: new Set(found.unsaved) };
  } catch { return { said: {}, at: 0, unsaved: new Set() }; }
}

const today = () => {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
};

function begin(who) {
  reader = who;
  ({ said, at, unsaved } = kept(who));
  if (store) try { store.setItem(`synth.label.${sheet.sheet}`, who); } catch { keeps = false; }
  document.activeElement?.blur();  // a key that follows at once is for the rows
  $("start").hidden = true;
  for (const id of ["work", "bar"]) $(id).hidden = false;
  $("who").textContent = `${words().name}: ${who}`;
  say("");
  show();
}

function change(values) {
  const row = sheet.rows[at];
  said[row.id] = { ...said[row.id], ...values };
  unsaved.add(row.id);
  keep();
}

function give(number) {
  change({ label: sheet.labels[number].name, skipped: false, date: today() });
  move(1);
}

function skip() {
  change({ label: null, skipped: true, date: today() });
  move(1);
}

function move(by) {
  const next = Math.max(0, Math.min(sheet.rows.length - 1, at + by));
  const moved = next !== at;
  at = next;
  keep();
  say("");
  show();
  if (moved) window.scrollTo(0, 0);
}

function nextOpen() {
  const ahead = [...sheet.rows.keys()].map((n) => (at + 1 + n) % sheet.rows.length);
  const found = ahead.find((n) => !said[sheet.rows[n].id]?.label);
  if (found !== undefined) move(found - at);
}

const speaker = (who) => (["user", "assistant"].includes(who) ? words()[who] : who);
const say = (text) => { $("said").textContent = text; };

// A text as text in a box; of a long one the beginning, and a button that sets the rest.
function put(box, text) {
  box.textContent = text.slice(0, LONGEST);
  if (text.length <= LONGEST) return box;
  const more = element("button", { class: "more" }, told("more", { n: text.length.toLocaleString() }));
  more.addEventListener("click", () => { box.textContent = text; });
  box.append(more);
  return box;
}

function show() {
  const row = sheet.rows[at];
  const mine = said[row.id] ?? {};
  $("at").textContent = told("at", { at: at + 1, rows: sheet.rows.length }) + (mine.skipped ? ` · ${words().skipped}` : "");
  put($("query"), row.query);
  $("answer").hidden = row.response === null;
  put($("response"), row.response ?? "");
  for (const id of ["row", "policy"]) $(id).scrollTop = 0;
  $("context").hidden = row.context.length === 0;
  $("turns").replaceChildren(...row.context.map(([who, text]) =>
    element("div", { class: "turn text" }, element("b", {}, `${speaker(who)}: `), put(element("span"), text))));
  const policy = sheet.policies[row.policy];
  for (const key of ["name", "subcategory", "definition", "unsafe", "safe", "borderline"]) put($(key), policy[key]);
  [...$("labels").children].forEach((button, n) => button.setAttribute("aria-pressed", String(sheet.labels[n].name === mine.label)));
  $("note").value = mine.note ?? "";
  count();
}

function count() {
  const all = sheet.rows.map((row) => said[row.id] ?? {});
  const done = all.filter((one) => one.label).length;
  const skipped = all.filter((one) => one.skipped).length;
  $("done").value = sheet.rows.length ? done / sheet.rows.length : 0;
  const left = sheet.rows.length - done - skipped;
  const open = unsaved.size ? ` · ${told("unsaved", { n: unsaved.size })}` : "";
  $("counts").textContent = (done === sheet.rows.length ? words().done : told("progress", { done, skipped, left })) + open;
  $("kept").textContent = words()[keeps ? "kept" : "not_kept"];
  $("lost").hidden = keeps;
}

function save() {
  const lines = sheet.rows.map((row) => {
    const { label = null, note = "", skipped = false, date = null } = said[row.id] ?? {};
    return JSON.stringify({ id: row.id, your_label: label, note, skipped, reader, date: label ? date : null, sheet: sheet.sheet });
  });
  const url = URL.createObjectURL(new Blob([lines.join("\n"), "\n"], { type: "application/x-ndjson" }));
  const file = `labels-${sheet.sheet.slice(0, 8)}-${reader.replace(/[^\p{L}\p{N}_-]+/gu, "_")}.jsonl`;
  const link = element("a", { href: url, download: file });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  unsaved.clear();
  keep();
  count();
  say(told("saved", { file }));
}

// A file that this page saved: what it says of rows that have no label yet is taken over.
function load(text) {
  const names = new Set(sheet.labels.map((label) => label.name));
  const ids = new Set(sheet.rows.map((row) => row.id));
  let n = 0;
  for (const line of text.split("\n").filter((one) => one.trim())) {
    let found;
    try { found = JSON.parse(line); } catch { continue; }
    if (typeof found !== "object" || found === null || !ids.has(found.id) || said[found.id]?.label) continue;
    const label = names.has(found.your_label) ? found.your_label : null;
    if (!label && !found.skipped) continue;
    const date = /^\d{4}-\d\d-\d\d$/.test(found.date) ? found.date : today();
    said[found.id] = { label, note: String(found.note ?? "").slice(0, 4000), skipped: !label, date };
    n += 1;
  }
  if (n) { keep(); show(); }
  say(n ? told("loaded", { n }) : words().foreign);
}

const actions = { ArrowLeft: () => move(-1), ArrowRight: () => move(1), s: skip, u: nextOpen, d: save, n: () => $("note").focus() };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("work").hidden) return;
  if (event.target.matches("input, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const number = /^[1-9]$/.test(event.key) ? Number(event.key) - 1 : -1;
  const act = number >= 0 ? number < sheet.labels.length && (() => give(number)) : actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  if (!event.repeat || event.key.startsWith("Arrow")) act();  // a key held down says nothing of the rows that follow
});

$("labels").append(...sheet.labels.map((label, n) => {
  const button = element("button", { "aria-pressed": "false" }, element("kbd", {}, String(n + 1)), label.word);
  button.addEventListener("click", () => { give(n); button.blur(); });
  return button;
}));
const pressed = { back: () => move(-1), skip, forward: () => move(1), open: nextOpen, save };
for (const [id, act] of Object.entries(pressed)) $(id).addEventListener("click", () => { act(); $(id).blur(); });
$("note").addEventListener("input", () => { change({ note: $("note").value.slice(0, 4000) }); count(); });
$("file").addEventListener("change", async () => {
  const [file] = $("file").files;
  if (file) load(await file.text());
  $("file").value = "";
});
$("other").addEventListener("click", () => {
  $("start").hidden = false;
  for (const id of ["work", "bar"]) $(id).hidden = true;
  $("reader").focus();
});
$("start").addEventListener("submit", (event) => {
  event.preventDefault();
  const who = $("reader").value.trim();
  if (who) begin(who);
});
window.addEventListener("beforeunload", (event) => { if (unsaved.size && !keeps) event.preventDefault(); });
$("keys").textContent = told("keys", { labels: sheet.labels.map((label, n) => `${n + 1} ${label.word}`).join(", ") });
$("kept").textContent = words()[keeps ? "kept" : "not_kept"];
const last = (() => { try { return store?.getItem(`synth.label.${sheet.sheet}`) ?? ""; } catch { return ""; } })();
$("reader").value = last;
if (last) begin(last);
