"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const root = document.documentElement;
  const said = document.querySelector(".said");
  let silence = 0;

  function say(words) {
    said.textContent = words;
    clearTimeout(silence);
    silence = setTimeout(() => { said.textContent = ""; }, 4000);
  }

  // A page that is opened from disk may have no storage.
  function remembered(value) {
    try {
      if (value === undefined) return localStorage.getItem("quantbench-theme");
      localStorage.setItem("quantbench-theme", value);
    } catch (error) { /* it is only not remembered */ }
    return null;
  }

  function themes() {
    const button = document.querySelector(".theme");
    const system = matchMedia("(prefers-color-scheme: dark)");
    const dark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
    const show = () => button.setAttribute("aria-pressed", String(dark()));
    const before = remembered();
    if (before === "dark" || before === "light") root.dataset.theme = before;
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      remembered(root.dataset.theme);
      show();
    });
    system.addEventListener("change", show);
    show();
  }

  async function copy(text, words) {
    try {
      await navigator.clipboard.writeText(text);
    } catch (error) {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      if (!done) return say("The browser doesn't let this page copy.");
    }
    return say(words);
  }

  // A cell's own text, without its second line.
  const main = (cell) => [...cell.childNodes]
    .filter((node) => node.nodeName !== "SMALL").map((node) => node.textContent).join("").trim();
  const note = (cell) => (cell.querySelector("small") || { textContent: "" }).textContent.trim();
  const exact = (cell) => (cell.dataset.v === undefined ? main(cell) : cell.dataset.v);

  // The table as rows of texts: a column with a second line becomes two.
  function grid(table, ofCell) {
    const heads = all("thead th", table);
    const two = heads.map((head) => Boolean(head.dataset.note));
    const first = heads.flatMap((head, place) => {
      const title = head.querySelector(".h").textContent.trim();
      return two[place] ? [title, `${title}: ${head.dataset.note}`] : [title];
    });
    const rows = all("tbody tr", table).filter((row) => !row.hidden).map((row) =>
      [...row.cells].flatMap((cell, place) => (
        two[place] ? [ofCell(cell), note(cell)] : [ofCell(cell)])));
    return [first, ...rows];
  }

  // A text that a spreadsheet would take for a formula gets an apostrophe before it.
  function field(text) {
    const safe = /^[=+@\t\r-]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }
  const csv = (table) => `${grid(table, exact).map((row) => row.map(field).join(",")).join("\r\n")}\r\n`;

  function markdown(table) {
    const plain = (text) => text.replace(/\s+/g, " ").replace(/[\\`*_{}[\]<>|#~]/g, "\\$&");
    const [head, ...rows] = grid(table, main).map((row) => `| ${row.map(plain).join(" | ")} |`);
    return `${[head, `|${"---|".repeat(grid(table, main)[0].length)}`, ...rows].join("\n")}\n`;
  }

  function save(name, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    say(`Saved ${name}`);
  }

  function sortable(table) {
    const heads = all("thead th", table);
    heads.forEach((head, place) => {
      const title = head.querySelector(".h");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "h";
      button.textContent = title.textContent;
      title.replaceWith(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = all("tbody tr", table);
        const key = (row) => exact(row.cells[place]);
        const numeric = head.classList.contains("n");
        rows.sort((a, b) => compared(key(a), key(b), numeric, up));
        table.tBodies[0].append(...rows);
      });
    });
  }

  // Cells without a value come last in both directions.
  function compared(a, b, numeric, up) {
    const [x, y] = numeric ? [a, b].map((text) => (text === "" || text === "–" ? NaN : Number(text))) : [a, b];
    if (numeric) {
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return up ? x - y : y - x;
    }
    return (up ? 1 : -1) * x.localeCompare(y, "en", { numeric: true });
  }

  function sheets() {
    all(".sheet").forEach((sheet) => {
      const table = sheet.querySelector("table");
      sortable(table);
      all(".tools [hidden]", sheet).forEach((tool) => { tool.hidden = false; });
      sheet.querySelector(".csv").addEventListener("click", () => save(`${table.dataset.name}.csv`, csv(table)));
      sheet.querySelector(".markdown").addEventListener("click", () => copy(markdown(table), "Copied the table"));
      const search = sheet.querySelector("input");
      if (search === null) return;
      search.addEventListener("input", () => {
        const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
        const rows = all("tbody tr", table);
        rows.forEach((row) => {
          const text = row.textContent.toLowerCase();
          row.hidden = !words.every((word) => text.includes(word));
        });
        const left = rows.filter((row) => !row.hidden).length;
        say(`${left} of ${rows.length} rows`);
      });
    });
    all(".command .copy").forEach((button) => {
      button.hidden = false;
      const text = button.parentElement.querySelector("code").textContent;
      button.addEventListener("click", () => copy(text, "Copied the command"));
    });
  }

  // What is folded away is printed only where it was opened; the remarks on the answer always are.
  function printing() {
    addEventListener("beforeprint", () => all(".answer details").forEach((each) => { each.open = true; }));
  }

  themes();
  sheets();
  printing();
})();
