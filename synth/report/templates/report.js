// Rows and drops to read: examples behind a reason, and a list that is filtered and searched. Nothing in a text is markup.

const PAGE = 20;
const has = (key) => Object.hasOwn(words(), key);
const say = (key, values = {}) => words()[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
const named = (kind, name) => (has(`${kind}_${name}`) ? words()[`${kind}_${name}`] : name);

// A text: whole, or its beginning with how many characters more there are.
function shown(piece) {
  const [text, more] = Array.isArray(piece) ? piece : [piece, 0];
  const made = element("span", { class: "text", dir: "auto" }, text);
  if (more) made.append(element("span", { class: "dim" }, ` … ${say("characters_more", { count: more.toLocaleString("en") })}`));
  return made;
}

const length = (piece) => (Array.isArray(piece) ? piece[0].length + piece[1] : piece.length);

// What may be unsafe is not shown before somebody asks for it.
function folded(piece, fold) {
  if (!fold) return shown(piece);
  const button = element("button", { class: "folded", type: "button" }, say("show_text", { count: length(piece).toLocaleString("en") }));
  button.addEventListener("click", () => button.replaceWith(shown(piece)));
  return button;
}

function entry(one) {
  const list = element("dl", { class: "said" });
  const put = (name, ...what) => list.append(element("dt", {}, name), element("dd", {}, ...what));
  for (const [kind, piece, fold] of one.texts) put(named("text", kind), folded(piece, fold));
  for (const [judge, label, piece, fold] of one.votes) put(judge, element("span", { class: "tag" }, label || say("none")), length(piece) ? folded(piece, fold) : "");
  for (const [stage, key, value] of one.notes) put(say("note"), shown(stage), " ", shown(key), " ", shown(value));
  if (one.elements.length) put(say("elements"), ...one.elements.flatMap(([axis, value]) => [shown(axis), " ", shown(value), "  "]));
  const tags = [one.label && [one.label, one.kind === "row" && one.label !== data().safe ? "tag bad" : "tag"], one.class && [named("class", one.class), "tag"], one.stance && [named("stance", one.stance), "tag"], one.attack && [one.attack, "tag"]];
  return element("article", { class: "entry" },
    element("div", {}, ...tags.filter(Boolean).map(([text, kind]) => element("span", { class: kind }, text)), `${one.title} ${one.place}`.trim(), one.type ? ` / ${named("type", one.type)}` : ""),
    list,
    element("p", { class: "dim" }, [one.split, one.id, ...one.by].filter(Boolean).join(" · ")));
}

for (const place of document.querySelectorAll("details[data-drop]")) {
  place.addEventListener("toggle", () => {
    if (place.childElementCount === 1) place.append(...(data().drops[place.dataset.drop] ?? []).map(entry));
  });
}

// All that can be read of an entry, in lower case, to be searched.
function searched(one) {
  const texts = [one.id, one.title, one.place, ...one.by, ...one.texts.map((it) => it[1]), ...one.votes.flatMap((it) => [it[0], it[2]]), ...one.notes.flat(), ...one.elements.flat()];
  return texts.map((piece) => (Array.isArray(piece) ? piece[0] : piece)).join("\n").toLowerCase();
}

function browser(place) {
  const all = [...data().rows, ...Object.values(data().drops).flat()];
  const texts = new Map();
  const fields = ["kind", "scenario", "type", "label", "class", "stance", "split"];
  const selects = fields.map((field) => {
    const values = [...new Set(all.map((one) => one[field]))].filter(Boolean).sort();
    const options = values.map((value) => element("option", { value }, named(field, value)));
    return element("select", { name: field }, element("option", { value: "" }, say("any")), ...options);
  });
  const search = element("input", { type: "search", name: "search", placeholder: say("search") });
  const count = element("span", { class: "dim" });
  const list = element("div");
  const more = element("button", { type: "button", class: "more" }, say("show_more"));
  let found = all;
  let until = 0;
  const grow = () => {
    list.append(...found.slice(until, until + PAGE).map(entry));
    until += PAGE;
    more.hidden = until >= found.length;
  };
  const filter = () => {
    const wanted = search.value.trim().toLowerCase();
    const holds = (one) => {
      if (!texts.has(one)) texts.set(one, searched(one));
      return texts.get(one).includes(wanted);
    };
    found = all.filter((one) => selects.every((select, at) => !select.value || one[fields[at]] === select.value) && (!wanted || holds(one)));
    count.textContent = say("count_of", { count: found.length.toLocaleString("en"), of: all.length.toLocaleString("en") });
    list.replaceChildren();
    until = 0;
    grow();
  };
  for (const one of [...selects, search]) one.addEventListener("input", filter);
  more.addEventListener("click", grow);
  const labelled = selects.map((select, at) => element("label", {}, say(`by_${fields[at]}`), select));
  place.append(element("div", { class: "filters" }, ...labelled, element("label", {}, say("search"), search), count), list, more);
  filter();
}

const place = document.getElementById("browser");
if (place) browser(place);
