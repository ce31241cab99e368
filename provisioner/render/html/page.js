"use strict";
(() => {
  const tools = document.getElementById("tools");
  const open = () => {
    const target = location.hash.startsWith("#change-") && document.getElementById(location.hash.slice(1));
    if (target) { show(target); target.open = true; target.scrollIntoView(); }
  };
  const show = (target) => { target.hidden = false; target.closest(".agent").hidden = false; };
  addEventListener("hashchange", open);
  if (!tools) return;
  const find = document.getElementById("find");
  const owner = document.getElementById("by-owner");
  const effect = document.getElementById("by-effect");
  const shown = document.getElementById("shown");
  const all = shown.textContent;
  let cards;
  const read = () => {
    cards = Array.from(document.querySelectorAll(".change"), (card) => ({
      card,
      group: card.closest(".agent"),
      text: "",
      owners: card.dataset.owners.split(" "),
      effect: card.dataset.effect,
    }));
    for (const one of cards) {
      one.text = (one.group.querySelector("h3").textContent + " " + one.card.textContent).toLowerCase();
    }
  };
  const filter = () => {
    if (!cards) read();
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const groups = new Map();
    let count = 0;
    for (const one of cards) {
      const fits = (!owner.value || one.owners.includes(owner.value)) && (!effect.value || one.effect === effect.value)
        && words.every((word) => one.text.includes(word));
      if (one.card.hidden === fits) one.card.hidden = !fits;
      count += fits ? 1 : 0;
      groups.set(one.group, groups.get(one.group) || fits);
    }
    for (const [group, fits] of groups) group.hidden = !fits;
    shown.textContent = count === cards.length ? all : `${count} of ${all}`;
  };
  let timer;
  const soon = () => { clearTimeout(timer); timer = setTimeout(filter, 80); };
  find.addEventListener("input", soon);
  owner.addEventListener("change", filter);
  effect.addEventListener("change", filter);
  const toggle = (state) => {
    for (const card of document.querySelectorAll(".change:not([hidden])")) card.open = state;
  };
  document.getElementById("open-all").addEventListener("click", () => toggle(true));
  document.getElementById("close-all").addEventListener("click", () => toggle(false));
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = Array.from(document.querySelectorAll("details:not([open])"));
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of closed) one.open = false; });
  tools.hidden = false;
  open();
})();
