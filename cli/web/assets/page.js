// What makes the page quicker; everything also works without.

const grid = () => document.getElementById("hits") ?? document.querySelector(".chunk");
const tiles = () => [...document.querySelectorAll(".tile")];
const typing = (target) => target.closest?.("input, textarea, select, dialog") !== null;

// ---- The box

const box = document.getElementById("text");
if (box) {
  const form = box.form;
  const pasted = form.elements.pasted;
  box.addEventListener("paste", (event) => {
    // A whole text that comes from elsewhere may be a statement, which stands in no address.
    const text = event.clipboardData?.getData("text") ?? "";
    if (text.length > 40 || text.includes("\n")) pasted.value = "1";
  });
  box.addEventListener("input", () => { if (!box.value.trim()) pasted.value = ""; });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
}

// ---- Chips: one menu at a time, closed by Escape and by a click beside it

document.addEventListener("click", (event) => {
  for (const chip of document.querySelectorAll("details.chip[open]")) if (!chip.contains(event.target)) chip.open = false;
});

// ---- Keys

function neighbour(from, key) {
  const all = tiles();
  const at = all.indexOf(from);
  if (key === "ArrowRight") return all[at + 1];
  if (key === "ArrowLeft") return all[at - 1];
  const here = from.getBoundingClientRect();
  const below = key === "ArrowDown";
  const rows = below ? all.slice(at + 1) : all.slice(0, at).reverse();
  let row = null;
  let best = null;
  for (const each of rows) {
    const place = each.getBoundingClientRect();
    if (Math.abs(place.top - here.top) < 4) continue;
    if (row === null) row = place.top;
    if (Math.abs(place.top - row) > 4) break;
    if (best === null || Math.abs(place.left - here.left) < Math.abs(best.getBoundingClientRect().left - here.left)) best = each;
  }
  return best;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    const open = document.querySelector("details.chip[open]");
    if (open) { open.open = false; open.querySelector("summary").focus(); }
    return;
  }
  if (typing(event.target)) return;
  if (event.key === "/") {
    event.preventDefault();
    const field = box ?? document.getElementById("but");
    if (field) { field.closest("details")?.setAttribute("open", ""); field.focus(); field.select(); } else location.assign("/");
  } else if (event.key === "?") {
    location.assign("/keys");
  } else if (event.key.startsWith("Arrow") && grid()) {
    const from = event.target.closest?.(".tile");
    if (!from && event.target.closest?.(".photo")) return;
    const to = from ? neighbour(from, event.key) : tiles()[0];
    if (!from && document.activeElement !== document.body) return;
    if (to) { event.preventDefault(); to.focus(); to.scrollIntoView({ block: "nearest" }); }
  } else if (event.key === "z") {
    const tile = event.target.closest?.(".tile");
    if (tile) peek(tile);
  }
});

// ---- The whole photo of a hit, without leaving the hits

function peek(tile) {
  const dialog = document.createElement("dialog");
  dialog.className = "peek";
  dialog.setAttribute("aria-label", `The photo of face ${tile.dataset.face}`);
  const image = document.createElement("img");
  image.src = `/photo/${tile.dataset.face}`;
  image.alt = `The photo with face ${tile.dataset.face}`;
  const line = document.createElement("p");
  const link = document.createElement("a");
  link.href = tile.href;
  link.textContent = `Face ${tile.dataset.face}`;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  line.className = "row";
  line.append(link, close);
  dialog.append(image, line);
  dialog.addEventListener("close", () => { dialog.remove(); tile.focus(); });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => { if (event.key === "z") dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
}

// ---- A photo to start from: dragged or pasted

const drop = document.querySelector("form.drop");
if (drop) {
  const input = drop.querySelector("input[type=file]");
  drop.querySelector(".scripted").hidden = false;
  const take = (files) => {
    const pictures = [...files].filter((file) => file.size);
    if (!pictures.length) return;
    const transfer = new DataTransfer();
    for (const file of pictures) transfer.items.add(file);
    input.files = transfer.files;
    drop.requestSubmit();
  };
  drop.addEventListener("submit", () => {
    drop.querySelector(".wait").hidden = false;
    drop.querySelector("button").disabled = true;
  });
  input.addEventListener("change", () => { if (input.files.length) drop.requestSubmit(); });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) { event.preventDefault(); take(event.clipboardData.files); }
  });
  document.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer?.files.length) take(event.dataTransfer.files);
  });
  addEventListener("pageshow", () => {
    drop.querySelector("button").disabled = false;
    drop.querySelector(".wait").hidden = true;
  });
}

// ---- Marks: the mark is swapped, the button and the focus stay

const MARKS = new Set(["y", "n", "u", "s"]);
const UNMARKED = {
  none: "To mark faces, choose a case: ",
  closed: "This case is closed, and nothing is added to it: ",
  gone: "This case is not there any more: ",
};

function say(text, link = false) {
  const line = document.getElementById("say");
  if (!line) return;
  line.replaceChildren(text);
  if (link) {
    const to = document.createElement("a");
    to.href = "/cases";
    to.textContent = "Cases";
    line.append(to);
  }
  clearTimeout(say.timer);
  say.timer = setTimeout(() => line.replaceChildren(), 12000);
}

function markByKey(target, key) {
  const face = target.closest?.(".tile")?.dataset.face ?? document.querySelector("[data-this-face]")?.dataset.thisFace;
  if (!face) return;
  const button = document.querySelector(`.do[data-face="${face}"] [data-key="${key}"]`);
  if (button) mark(button);
  else if (document.body.dataset.marking !== "open") say(UNMARKED[document.body.dataset.marking], true);
}

async function mark(button) {
  const form = button.form;
  const fields = new FormData(form, button);
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { "HX-Request": "true" },
    });
    const made = document.createElement("template");
    made.innerHTML = await answer.text();
    const mark = made.content.querySelector(".mark-of");
    if (!answer.ok || !mark) {
      say(made.content.querySelector(".problem")?.textContent ?? "This was not kept: load the page again.");
      return;
    }
    swapMark(mark);
  } catch {
    say("The server does not answer, and this was not kept: start it again.");
  }
}

function swapMark(mark) {
  const { face, state, listed } = mark.dataset;
  const before = document.getElementById(mark.id);
  const lost = before?.contains(document.activeElement);
  before?.replaceWith(mark);
  for (const button of document.querySelectorAll(`.do[data-face="${face}"] button`)) {
    const pressed = button.dataset.key === "s" ? listed === "1" : button.dataset.state === state;
    button.setAttribute("aria-pressed", String(pressed));
    if (button.dataset.key === "s") button.value = `${pressed ? "unlist" : "list"}:${face}`;
  }
  if (lost) document.querySelector(`.do[data-face="${face}"] button`)?.focus();
  const lists = mark.querySelector("p.muted")?.textContent ?? "";
  say(`Face ${face}: ${state || "no mark"}${lists ? `, ${lists}` : ""}`);
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "marking" || !event.submitter) return;
  event.preventDefault();
  mark(event.submitter);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
  if (MARKS.has(event.key)) markByKey(event.target, event.key);
});

// ---- Which page this is, where the pages stand in a row that is wider than the window

const pages = document.querySelector(".top nav");
const current = pages?.querySelector("[aria-current]");
if (current) pages.scrollLeft = current.offsetLeft - pages.offsetLeft - (pages.clientWidth - current.offsetWidth) / 2;

// ---- Printing

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
