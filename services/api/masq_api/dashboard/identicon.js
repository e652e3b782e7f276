// A picture for each name, so that people can tell 43-character names apart: five by five squares,
// the left half mirrored, in one of many colours. Always the same for the same name.

const SVG = "http://www.w3.org/2000/svg";

// FNV-1a with a finish of MurmurHash3: spreads names well, and is no secret.
function hash(text, seed) {
  let value = (2166136261 ^ seed) >>> 0;
  for (const char of text) {
    value = Math.imul(value ^ char.codePointAt(0), 16777619) >>> 0;
  }
  value = Math.imul(value ^ (value >>> 16), 2246822507) >>> 0;
  value = Math.imul(value ^ (value >>> 13), 3266489909) >>> 0;
  return (value ^ (value >>> 16)) >>> 0;
}

export function identicon(name) {
  const cells = hash(name, 1);
  const hue = hash(name, 2) % 360;
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 7 7");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  const box = rect(0, 0, 7, 7, `hsl(${hue} 45% 88%)`);
  picture.append(box);
  for (let column = 0; column < 3; column += 1) {
    for (let row = 0; row < 5; row += 1) {
      if ((cells >>> (column * 5 + row)) & 1) {
        const colour = `hsl(${(hue + 40 * (cells >>> 20)) % 360} 60% 38%)`;
        picture.append(rect(1 + column, 1 + row, 1, 1, colour));
        if (column < 2) picture.append(rect(5 - column, 1 + row, 1, 1, colour));
      }
    }
  }
  return picture;
}

function rect(x, y, width, height, fill) {
  const made = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ x, y, width, height, fill })) {
    made.setAttribute(name, value);
  }
  return made;
}
