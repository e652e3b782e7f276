// Values and tables for people. What other nodes said is only ever text, never markup.

import { identicon } from "./identicon.js";

export function element(kind, content = "", attributes = {}) {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...[content].flat());
  return made;
}

export function named(name, size = 8) {
  return element("span", [identicon(name), " ", element("code", name.slice(0, size))], { title: name });
}

export const bytes = (count) => {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let at = 0;
  let value = count;
  while (value >= 1000 && at < units.length - 1) { value /= 1000; at += 1; }
  return `${at ? value.toFixed(1) : value} ${units[at]}`;
};

export const masq = (text) => `${text} MASQ`;

export const time = (text) => (text ? new Date(text).toLocaleString() : "-");

export const age = (seconds) => {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
};

// columns: [heading, value of an item, "number" or "wide" or undefined]
export function table(place, columns, list, empty) {
  const head = element("tr", columns.map(([heading, , kind]) =>
    element("th", heading, kind ? { class: kind, scope: "col" } : { scope: "col" })));
  const rows = list.map((item) => element("tr", columns.map(([, value, kind]) => {
    const shown = value(item);
    return element("td", shown instanceof Node ? shown : String(shown ?? "-"), kind ? { class: kind } : {});
  })));
  if (!rows.length) rows.push(element("tr", element("td", empty, { colspan: columns.length })));
  place.replaceChildren(element("thead", head), element("tbody", rows));
}

export function facts(place, pairs) {
  place.replaceChildren(...pairs.map(([name, value]) =>
    element("div", [element("dt", name), element("dd", value)])));
}
