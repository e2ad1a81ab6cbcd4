// Makes a page live: what the server has rendered anew is put in its place. It has no words of its own.
"use strict";
(() => {
  const state = document.getElementById("live-state");
  const pause = document.getElementById("pause");
  const address = document.body.dataset.live;
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  // milliseconds; the server gives a sign of life each 15 s
  const SILENT = 40000, SOONEST = 2000, LATEST = 20000;
  // entries of a list that grows
  const LONGEST = 300;
  const held = new Map();
  let stream = null;
  let again = 0;
  let wait = SOONEST;
  let typed = false;
  let after = document.querySelector("[data-after]")?.dataset.after ?? "";

  const say = (word) => {
    for (const each of state.querySelectorAll("[data-say]")) each.hidden = each.dataset.say !== word;
    state.dataset.state = word;
  };
  const paused = () => pause.getAttribute("aria-pressed") === "true";

  // Only what differs is touched: focus, scrolling, what is typed and an open <details> stay as they are.
  const become = (old, fresh) => {
    if (old.nodeName !== fresh.nodeName || (old.id ?? "") !== (fresh.id ?? "")) {
      old.replaceWith(fresh);
    } else if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    } else if (!old.isEqualNode(fresh)) {
      const mine = (name) => name === "open" && old.nodeName === "DETAILS";
      for (const { name, value } of fresh.attributes) {
        if (!mine(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
      }
      for (const { name } of [...old.attributes]) {
        if (!mine(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
      }
      contain(old, fresh);
    }
  };
  const contain = (old, fresh) => {
    const wanted = new Set([...fresh.children].map((each) => each.id).filter(Boolean));
    const known = new Map([...old.children].filter((each) => wanted.has(each.id)).map((each) => [each.id, each]));
    let at = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      const same = known.get(next.id);
      if (same) {
        if (same === at) at = at.nextSibling;
        else old.insertBefore(same, at);
        become(same, next);
      } else if (at && !wanted.has(at.id) && !next.id && at.nodeName === next.nodeName) {
        const here = at;
        at = at.nextSibling;
        become(here, next);
      } else {
        old.insertBefore(next, at);
      }
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  };

  const element = (content) => {
    const box = document.createElement("template");
    box.innerHTML = content;
    return box.content.firstElementChild;
  };
  const isChosen = (node) => {
    const chosen = getSelection();
    return chosen && !chosen.isCollapsed && chosen.containsNode(node, true);
  };
  const isHeld = (node) => isChosen(node) || node.querySelector("[data-held]");
  const replace = (content) => {
    const fresh = element(content);
    const old = fresh && document.getElementById(fresh.id);
    if (!old) return;
    if (isHeld(old)) {
      held.set(fresh.id, content);
      return;
    }
    held.delete(fresh.id);
    const focused = document.activeElement;
    become(old, fresh);
    if (focused && !focused.isConnected) document.getElementById("main").focus({ preventScroll: true });
  };
  const grow = (content) => {
    const fresh = element(content);
    const list = fresh && document.getElementById(fresh.id);
    if (!list) return;
    list.prepend(...fresh.children);
    while (list.childElementCount > LONGEST) list.lastElementChild.remove();
  };
  const catchUp = () => {
    for (const content of pause && !paused() ? [...held.values()] : []) replace(content);
  };
  document.addEventListener("selectionchange", catchUp);
  document.addEventListener("letgo", catchUp);

  const take = (event) => {
    const data = [];
    let name = "";
    for (const line of event.split("\n")) {
      if (line.startsWith("data: ")) data.push(line.slice(6));
      else if (line.startsWith("event: ")) name = line.slice(7);
      else if (line.startsWith("id: ")) after = line.slice(4);
    }
    if (name === "part") replace(data.join("\n"));
    else if (name === "more") grow(data.join("\n"));
    else if (name === "gone") location.reload();
    return Boolean(name);
  };

  // Gives the milliseconds after which to come again. No EventSource: that does not tell why it was refused.
  const follow = async (control) => {
    const more = after && `${address.includes("?") ? "&" : "?"}after=${after}`;
    let alive = setTimeout(() => control.abort(), SILENT);
    try {
      const answer = await fetch(address + more, { signal: control.signal, cache: "no-store" });
      if (answer.status === 401) {
        if (typed) say("out");
        else location.reload();
        return null;
      }
      if (answer.status === 503) {
        say("full");
        return 1000 * (Number(answer.headers.get("Retry-After")) || 30);
      }
      if (!answer.ok || !answer.headers.get("Content-Type")?.startsWith("text/event-stream")) throw new Error();
      say("on");
      let came = 0;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(alive);
        alive = setTimeout(() => control.abort(), SILENT);
        const events = (rest + value).split("\n\n");
        rest = events.pop();
        for (const each of events) came += take(each);
      }
      if (!came) throw new Error();
      wait = SOONEST;
    } finally {
      clearTimeout(alive);
    }
    return SOONEST;
  };
  const open = async () => {
    if (stream || document.hidden || paused()) return;
    clearTimeout(again);
    const mine = stream = new AbortController();
    let next;
    try {
      next = await follow(mine);
    } catch {
      if (stream !== mine) return;
      say("off");
      next = wait * (0.75 + Math.random() / 2);
      wait = Math.min(2 * wait, LATEST);
    }
    if (stream !== mine) return;
    stream = null;
    if (next !== null) again = setTimeout(open, next);
  };
  const close = () => {
    clearTimeout(again);
    const open = stream;
    stream = null;
    open?.abort();
  };

  if (state && address) {
    state.hidden = false;
    pause.addEventListener("click", () => {
      pause.setAttribute("aria-pressed", String(!paused()));
      close();
      if (paused()) say("paused");
      else open();
    });
    document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
    document.addEventListener("input", () => { typed = true; });
    addEventListener("pagehide", close);
    addEventListener("pageshow", open);
    open();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.copy-it");
    if (!button) return;
    navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent).then(() => {
      button.dataset.copied = "";
      setTimeout(() => delete button.dataset.copied, 2000);
    });
  });
})();
