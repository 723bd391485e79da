"use strict";
/* What is asked, in which order, and the CSV; then the page around it. No network, no storage but this browser's. */

function stagesOf(about) {
  const faces = about.items.slice(0, about.faces), photos = about.items.slice(about.faces);
  const stages = [{ column: "face", items: faces, question: "Is this a face?", hint:
    "Yes also for half hidden, blurred or drawn faces of people; no for anything else, such as an ear, a hand or a pattern." }];
  about.words.forEach((word, at) => stages.push({ column: word, items: faces, question: about.labels[at] + "?", hint:
    "Yes if the picture shows it, no if it shows the opposite, cannot tell if it does not show either." }));
  if (photos.length) stages.push({ column: "missed", items: photos, question: "How many faces have no frame?", hint:
    "Count the faces of people that you can make out in the picture and that no white frame surrounds." });
  return stages;
}

/* The same order for the same name, another one for each stage and each name. */
function shuffled(list, seed) {
  let state = 2166136261;
  for (const character of seed) state = Math.imul(state ^ character.codePointAt(0), 16777619) >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const found = list.slice();
  for (let at = found.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [found[at], found[other]] = [found[other], found[at]];
  }
  return found;
}

/* Every question in turn: a face that is none is asked no words. */
function questionsOf(about, name, answers) {
  return stagesOf(about).flatMap((stage, number) => shuffled(stage.items, name + "\u0000" + stage.column)
    .filter((item) => stage.column === "face" || stage.column === "missed" || (answers[item] || {}).face !== "no")
    .map((item) => ({ stage: number, column: stage.column, item: item })));
}

function isOpen(answers, question) {
  return ((answers[question.item] || {})[question.column] || "") === "";
}

function toCsv(about, answers) {
  const columns = ["face"].concat(about.words, ["missed"]);
  const lines = [["sample", "item"].concat(columns)];
  for (const item of about.items) {
    const said = answers[item] || {};
    lines.push([about.sample, item].concat(columns.map((column) => said[column] || "")));
  }
  return lines.map((line) => line.join(",")).join("\n") + "\n";
}

/* The answers of a saved file, or a sentence on what is wrong with it. */
function fromCsv(about, text) {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/).filter((line) => line !== "");
  const columns = (lines.shift() || "").split(",");
  if (columns[0] !== "sample" || columns[1] !== "item") return "This is no file that this page has saved.";
  const answers = {};
  for (const line of lines) {
    const cells = line.split(",");
    if (cells[0] !== about.sample) return "This file belongs to another sample.";
    answers[cells[1]] = {};
    columns.slice(2).forEach((column, at) => { answers[cells[1]][column] = cells[at + 2] || ""; });
  }
  return answers;
}

function fileName(name) {
  return "labels-" + (name.trim().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "") || "unnamed") + ".csv";
}

const CHOICES = [["yes", "Y"], ["no", "N"], ["?", "U"]];
const IN_WORDS = { yes: "<kbd>Y</kbd>es", no: "<kbd>N</kbd>o", "?": "Cannot tell (<kbd>U</kbd>)" };

if (typeof document !== "undefined") {
  const at = (id) => document.getElementById(id);
  const about = JSON.parse(at("about").textContent);
  const stages = stagesOf(about);
  let name = "", answers = {}, place = 0, stage = -1, unsaved = 0;

  const show = (which) => ["start", "work", "pause"].forEach((id) => { at(id).hidden = id !== which; });
  const key = () => "facesearch " + about.sample + " " + name;
  const keep = () => { try { localStorage.setItem(key(), JSON.stringify(answers)); } catch (error) { /* saved by file */ } };
  const kept = () => { try { return JSON.parse(localStorage.getItem(key())); } catch (error) { return null; } };
  const questions = () => questionsOf(about, name, answers);

  function begin(given) {
    name = at("name").value.trim();
    if (!name) { problem("Write your name or initials first: the file is named after you."); return; }
    answers = given || kept() || {};
    const first = questions().findIndex((each) => isOpen(answers, each));
    place = first < 0 ? questions().length : first;
    stage = -1;
    ask();
  }

  function problem(sentence) { at("problem").textContent = sentence; at("problem").hidden = false; }

  function ask() {
    const all = questions();
    if (place >= all.length) { finish(all); return; }
    const question = all[place], now = stages[question.stage];
    if (question.stage !== stage) { // once before each question, to say what it means
      stage = question.stage;
      at("next").textContent = now.question;
      at("hint").textContent = now.hint;
      show("pause");
      return;
    }
    show("work");
    const inStage = all.filter((each) => each.stage === stage);
    const done = inStage.filter((each) => !isOpen(answers, each)).length;
    at("progress").value = all.filter((each) => !isOpen(answers, each)).length / all.length;
    at("where").textContent = "Question " + (stage + 1) + " of " + stages.length + ", " + done + " of " + inStage.length + " done";
    at("question").textContent = now.question;
    const picture = at("picture"), number = question.item.split(" ")[1];
    picture.className = question.column === "missed" ? "photo" : "face";
    picture.src = "data:image/jpeg;base64," + at((question.column === "missed" ? "photo-" : "face-") + number).textContent;
    const choices = question.column === "missed"
      ? Array.from({ length: 10 }, (_, count) => [String(count)]) : CHOICES;
    at("answers").replaceChildren(...choices.map(([value]) => {
      const button = document.createElement("button");
      button.innerHTML = IN_WORDS[value] || (value === "9" ? "9 or more" : value);
      if ((answers[question.item] || {})[question.column] === value) button.className = "given";
      button.addEventListener("click", () => give(value));
      return button;
    }));
  }

  function give(value) {
    const question = questions()[place];
    (answers[question.item] = answers[question.item] || {})[question.column] = value;
    unsaved += 1;
    keep();
    place += 1;
    ask();
  }

  function finish(all) {
    const open = all.findIndex((each) => isOpen(answers, each));
    stage = -1;
    if (open >= 0) { place = open; ask(); return; }
    show("pause");
    at("next").textContent = "All is answered. Thank you.";
    at("hint").textContent = "Save the file, and hand it to whoever gave you this page.";
  }

  function back() {
    if (place > 0) { place -= 1; stage = questions()[place].stage; ask(); }
  }

  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([toCsv(about, answers)], { type: "text/csv" }));
    link.download = fileName(name);
    link.click();
    unsaved = 0;
    at("saved").textContent = "Saved as " + link.download + " among your downloads.";
  }

  at("begin").addEventListener("click", () => begin(null));
  at("go").addEventListener("click", ask);
  at("back").addEventListener("click", back);
  ["save", "save2"].forEach((id) => at(id).addEventListener("click", save));
  at("file").addEventListener("change", () => {
    const file = at("file").files[0];
    if (!file) return;
    if (!at("name").value.trim()) at("name").value = file.name.replace(/^labels-/, "").replace(/( \(\d+\))?\.csv$/, "");
    file.text().then((text) => {
      const found = fromCsv(about, text);
      if (typeof found === "string") problem(found); else begin(found);
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !at("start").hidden) return;
    const pressed = event.key.toLowerCase();
    if (pressed === "s") { save(); event.preventDefault(); return; }
    if (!at("pause").hidden) { if (pressed === "enter") { event.preventDefault(); ask(); } else if (pressed === "b") back(); return; }
    if (pressed === "b" || pressed === "backspace" || pressed === "arrowleft") { back(); event.preventDefault(); return; }
    const question = questions()[place];
    if (question && question.column === "missed") { if (/^[0-9]$/.test(pressed)) give(pressed); return; }
    const choice = CHOICES.find(([, letter]) => letter.toLowerCase() === pressed);
    if (choice && question) { event.preventDefault(); give(choice[0]); }
  });
  window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
}

if (typeof module !== "undefined") module.exports = { stagesOf, shuffled, questionsOf, isOpen, toCsv, fromCsv, fileName };
