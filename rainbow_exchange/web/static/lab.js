// The lab's page: dragging over the lines of a day, and forms in a dialog. It has no words of its own.
"use strict";
(() => {
  const dialog = document.getElementById("dialog");
  const alertBox = document.getElementById("alert");
  if (!dialog) return;
  // minutes that a drag goes by, and that an appointment lasts which a click makes
  const STEP = 15, LASTS = 30;
  // pixels: below, it is a click; and from an edge, it is the edge that is dragged
  const STILL = 4, EDGE = 8;
  const underWay = new WeakSet();
  let drag = null;

  const pane = () => document.getElementById("lab_exchange");
  const minutes = (svg, x) => {
    const box = svg.getBoundingClientRect();
    return ((x - box.left) / box.width) * 60 * Number(pane().dataset.hours);
  };
  const snapped = (value) => Math.round(value / STEP) * STEP;
  const instant = (value) => new Date(Date.parse(pane().dataset.start) + 60000 * value).toISOString();
  const since = (text) => (Date.parse(text) - Date.parse(pane().dataset.start)) / 60000;
  const percent = (value) => `${(100 * value) / (60 * Number(pane().dataset.hours))}%`;

  const complain = (text) => {
    alertBox.textContent = text;
    alertBox.hidden = !text;
    if (text) setTimeout(() => { alertBox.hidden = true; }, 8000);
  };
  // Nobody is there: the page stays, with all that was typed.
  const missed = () => complain(document.querySelector("#live-state [data-say=off]").textContent);
  const parsed = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");
  // What is shown at another address: its form, in the dialog.
  const show = (page) => {
    const sheet = page.querySelector("form.sheet");
    if (!sheet) {
      complain(page.querySelector("main .error, main [role=alert]")?.textContent.trim() ?? page.title);
      return;
    }
    dialog.replaceChildren(document.importNode(sheet, true));
    if (!dialog.open) dialog.showModal();
    const first = dialog.querySelector("[aria-invalid=true], [autofocus]");
    first?.focus();
    first?.select?.();
  };
  const open = async (address) => {
    complain("");
    try {
      show(await parsed(await fetch(address, { cache: "no-store" })));
    } catch {
      missed();
    }
  };
  const send = async (action, fields, form) => {
    complain("");
    const answer = await fetch(action, { method: "POST", body: new URLSearchParams(fields) });
    const done = answer.status === 204;
    if (done) {
      dialog.close();
      form?.reset(); // what was typed is done with
    } else show(await parsed(answer));
    return done;
  };

  const added = (svg, at, ends) => {
    const begins = Math.floor(at / STEP) * STEP;
    const times = { start: instant(begins), end: instant(ends ?? begins + LASTS) };
    return `/appointment?${new URLSearchParams({ person: svg.dataset.person, ...times })}`;
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      if (!drag?.moved) open(link.getAttribute("href"));
    } else if (!link && event.pointerType === "touch" && event.target.closest("svg.line[data-person]")) {
      open(added(event.target.closest("svg.line"), minutes(event.target.closest("svg.line"), event.clientX)));
    } else if (event.target.closest("dialog [data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("dialog form, form[data-quiet]")) return;
    event.preventDefault();
    if (underWay.has(form)) return; // pressed twice
    underWay.add(form);
    const by = event.submitter;
    send(by?.getAttribute("formaction") ?? form.getAttribute("action"), new FormData(form, by), form)
      .catch(missed)
      .finally(() => underWay.delete(form));
  });

  // From the press of the button on, the line is this script's; what came for it meanwhile is shown afterwards.
  const begin = (event) => {
    const svg = event.target.closest("svg.line[data-person]");
    if (!svg || event.button !== 0 || event.pointerType === "touch") return;
    const block = event.target.closest("a.block");
    const at = minutes(svg, event.clientX);
    if (block?.dataset.series !== undefined && block) return;
    drag = { svg, block, at, x: event.clientX, moved: false, pointer: event.pointerId, part: "new" };
    if (block) {
      const box = block.querySelector("svg").getBoundingClientRect();
      drag.from = since(block.dataset.from);
      drag.to = since(block.dataset.to);
      drag.part = event.clientX > box.right - EDGE ? "end" : event.clientX < box.left + EDGE && box.width > 3 * EDGE ? "start" : "all";
    }
    event.preventDefault();
  };
  const draw = () => {
    let { ghost } = drag;
    if (!ghost) {
      if (drag.block) {
        ghost = drag.block.querySelector("svg");
        drag.was = ["x", "width"].map((name) => [name, ghost.getAttribute(name)]);
        drag.block.classList.add("is-held");
      } else {
        const name = "http://www.w3.org/2000/svg";
        ghost = document.createElementNS(name, "svg");
        ghost.setAttribute("class", "ghost");
        ghost.setAttribute("y", "2");
        ghost.setAttribute("height", "36");
        const box = document.createElementNS(name, "rect");
        for (const [key, value] of [["class", "box"], ["width", "100%"], ["height", "100%"], ["rx", "5"]]) box.setAttribute(key, value);
        const words = document.createElementNS(name, "text");
        words.setAttribute("x", "6");
        words.setAttribute("y", "22");
        ghost.append(box, words);
        drag.svg.append(ghost);
      }
      drag.svg.dataset.held = "";
      drag.ghost = ghost;
    }
    ghost.setAttribute("x", percent(drag.begins));
    ghost.setAttribute("width", percent(drag.ends - drag.begins));
    // in the zone of the line, which may be another than the browser's
    const begin = Date.parse(`${pane().dataset.start.slice(0, 19)}Z`);
    const clock = (value) => new Date(begin + 60000 * value).toISOString().slice(11, 16);
    if (!drag.block) ghost.querySelector("text").textContent = `${clock(drag.begins)} – ${clock(drag.ends)}`;
  };
  const move = (event) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    if (!drag.moved && Math.abs(event.clientX - drag.x) < STILL) return;
    drag.moved = true;
    const by = minutes(drag.svg, event.clientX) - drag.at;
    if (drag.part === "new") {
      const [one, other] = [snapped(drag.at), snapped(drag.at + by)];
      drag.begins = Math.min(one, other);
      drag.ends = Math.max(one, other, drag.begins + STEP);
    } else {
      drag.begins = drag.part === "end" ? drag.from : snapped(drag.from + by);
      drag.ends = drag.part === "start" ? drag.to : snapped(drag.to + by);
      if (drag.part === "all") drag.ends = drag.begins + drag.to - drag.from;
      if (drag.part === "end") drag.ends = Math.max(drag.ends, drag.begins + STEP);
      if (drag.part === "start") drag.begins = Math.min(drag.begins, drag.ends - STEP);
    }
    draw();
  };
  const letGo = (done) => {
    const mine = drag;
    if (!mine) return;
    for (const [name, value] of done === true ? [] : mine.was ?? []) mine.ghost.setAttribute(name, value);
    delete mine.svg.dataset.held;
    mine.block?.classList.remove("is-held");
    if (!mine.block) mine.ghost?.remove();
    setTimeout(() => { if (drag === mine) drag = null; }); // the click that follows is none
    document.dispatchEvent(new Event("letgo"));
  };
  const end = async (event) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    const { svg, block, moved, begins, ends, at } = drag;
    const { person } = svg.dataset;
    if (block && moved) {
      const fields = { person, item: block.dataset.item, start: instant(begins), end: instant(ends) };
      letGo(await send("/appointment/move", fields).catch(() => false));
      return;
    }
    // before what came meanwhile is shown, which may begin an hour later
    const form = added(svg, moved ? begins : at, moved ? ends : undefined);
    letGo();
    if (!block) open(form); // a click on one opens it
  };
  document.addEventListener("pointerdown", begin);
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", letGo);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") letGo(); });
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.("a.block")) event.preventDefault(); });
})();
