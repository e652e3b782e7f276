// The neighborhood as a graph that settles: nodes push each other away, links pull them together
// (Fruchterman and Reingold, 1991). Where a node stood it stays as long as it is there.

import { identicon } from "./identicon.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 280;
const HEIGHT = 200;
const STEPS = 200;
const LENGTH = 130;

const places = new Map();

export function drawGraph(picture, words, nodes, own) {
  const names = new Set(nodes.map((node) => node.node_id));
  for (const name of places.keys()) if (!names.has(name)) places.delete(name);
  nodes.forEach((node, index) => {
    if (places.has(node.node_id)) return;
    const angle = (2 * Math.PI * index) / nodes.length;
    places.set(node.node_id, { x: 120 * Math.cos(angle), y: 120 * Math.sin(angle) });
  });
  const links = linksOf(nodes, names);
  settle(nodes, links);
  picture.replaceChildren(
    ...links.map(([one, other, full]) => line(places.get(one), places.get(other), full)),
    ...nodes.map((node) => dot(node, node.node_id === own)),
  );
  words.textContent = `${nodes.length} nodes, ${links.length} links. A ring marks this node, a dashed line a link that one side lists.`;
}

function linksOf(nodes, names) {
  const lists = new Map(nodes.map((node) => [node.node_id, new Set(node.neighbors)]));
  const found = new Map();
  for (const [one, listed] of lists) {
    for (const other of listed) {
      if (!names.has(other)) continue;
      const pair = [one, other].sort();
      found.set(pair.join(" "), [...pair, lists.get(other).has(one)]);
    }
  }
  return [...found.values()];
}

function settle(nodes, links) {
  const points = nodes.map((node) => places.get(node.node_id));
  for (let step = 0; step < STEPS; step += 1) {
    const heat = 12 * (1 - step / STEPS);
    const moves = points.map(() => ({ x: 0, y: 0 }));
    points.forEach((one, at) => {
      points.forEach((other, against) => {
        if (at === against) return;
        const [x, y, far] = between(one, other);
        moves[at].x += ((x / far) * LENGTH * LENGTH) / far;
        moves[at].y += ((y / far) * LENGTH * LENGTH) / far;
      });
      moves[at].x -= one.x * 0.04;
      moves[at].y -= one.y * 0.09;
    });
    const order = new Map(nodes.map((node, at) => [node.node_id, at]));
    for (const [one, other] of links) {
      const [at, against] = [order.get(one), order.get(other)];
      const [x, y, far] = between(points[at], points[against]);
      const pull = far / LENGTH;
      moves[at].x -= x * pull; moves[at].y -= y * pull;
      moves[against].x += x * pull; moves[against].y += y * pull;
    }
    points.forEach((point, at) => {
      const size = Math.hypot(moves[at].x, moves[at].y) || 1;
      const most = Math.min(size, heat);
      point.x = Math.max(-WIDTH, Math.min(WIDTH, point.x + (moves[at].x / size) * most));
      point.y = Math.max(-HEIGHT, Math.min(HEIGHT, point.y + (moves[at].y / size) * most));
    });
  }
}

function between(one, other) {
  const x = one.x - other.x || 0.1;
  const y = one.y - other.y || 0.1;
  return [x, y, Math.max(4, Math.hypot(x, y))];
}

function line(one, other, full) {
  const made = document.createElementNS(SVG, "line");
  made.setAttribute("class", full ? "full" : "half");
  for (const [name, value] of [["x1", one.x], ["y1", one.y], ["x2", other.x], ["y2", other.y]]) {
    made.setAttribute(name, value.toFixed(1));
  }
  return made;
}

function dot(node, isOwn) {
  const { x, y } = places.get(node.node_id);
  const made = document.createElementNS(SVG, "g");
  made.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  const icon = identicon(node.node_id);
  for (const [name, value] of [["x", -13], ["y", -13], ["width", 26], ["height", 26]]) {
    icon.setAttribute(name, value);
  }
  const title = document.createElementNS(SVG, "title");
  title.textContent = `${node.node_id}${isOwn ? " (this node)" : ""}`;
  const text = document.createElementNS(SVG, "text");
  text.setAttribute("y", 26);
  text.textContent = node.node_id.slice(0, 6);
  made.append(title, icon, text);
  if (isOwn) {
    const ring = document.createElementNS(SVG, "circle");
    ring.setAttribute("class", "ring");
    ring.setAttribute("r", 20);
    made.append(ring);
  }
  return made;
}
