// A table of any length: only the rows in view, and a few beside them, are in the document.

import { beforePaint } from "./display.js";

const SPARE_ROWS = 4;
const STEPS = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

// *cells* are functions from a record to a text; *chosen* is called with the record that the reader chose.
export function tableIn(grid, body, cells, chosen) {
  const rows = new Map(); // elements by index
  let records = [];
  let choice = -1;
  let following = true; // whether the newest row is kept in view
  const draw = beforePaint(() => {
    const height = rowHeight();
    grid.ariaRowCount = records.length + 1;
    body.style.height = `${records.length * height}px`;
    if (following) grid.scrollTop = grid.scrollHeight;
    const first = Math.max(0, Math.floor(grid.scrollTop / height) - SPARE_ROWS);
    const end = Math.min(records.length, Math.ceil((grid.scrollTop + grid.clientHeight) / height) + SPARE_ROWS);
    for (const [index, row] of rows) if (index < first || index >= end) rows.delete(index, row.remove());
    for (let index = end - 1; index >= first; index -= 1) {
      if (!rows.has(index)) rows.set(index, body.insertBefore(newRow(index, height), rows.get(index + 1) ?? null));
      rows.get(index).ariaSelected = index === choice;
    }
    grid.setAttribute("aria-activedescendant", rows.get(choice)?.id ?? "");
  });

  function rowHeight() {
    return grid.querySelector("[role=row]").getBoundingClientRect().height;
  }

  function newRow(index, height) {
    const record = records[index];
    const row = document.createElement("div");
    Object.assign(row, { role: "row", id: `row-${index}`, className: record.isEvent ? "event" : "mark" });
    row.ariaRowIndex = index + 2;
    row.style.top = `${index * height}px`;
    for (const text of cells) {
      row.append(Object.assign(document.createElement("span"), { role: "gridcell", textContent: text(record) }));
    }
    return row;
  }

  function choose(index) {
    if (!records[index]) return;
    choice = index;
    chosen(records[index]);
    draw();
  }

  grid.addEventListener("scroll", () => {
    following = grid.scrollTop + grid.clientHeight > grid.scrollHeight - rowHeight();
    draw();
  });
  grid.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    const from = choice < 0 ? records.length : choice;
    const index = Math.max(0, Math.min(from + STEPS[event.key], records.length - 1));
    choose(index);
    // Scroll as little as shows the row; the head hides one row's height.
    const height = rowHeight();
    following = false;
    grid.scrollTop = Math.max((index + 2) * height - grid.clientHeight, Math.min(grid.scrollTop, index * height));
  });
  body.addEventListener("click", ({ target }) => choose(target.closest("[role=row]")?.ariaRowIndex - 2));
  new ResizeObserver(draw).observe(grid);

  return {
    draw,
    show(others) {
      records = others;
      choice = -1;
      following = true;
      rows.clear();
      body.replaceChildren();
      draw();
    },
  };
}
