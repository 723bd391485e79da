// Zoom and drag the photo of a face.

const frame = document.querySelector(".whole .photo");
if (frame) {
  const canvas = frame.querySelector(".canvas");
  const image = canvas.querySelector("img");
  const buttons = document.querySelector(".zoom");
  const face = canvas.querySelector("rect.this");
  let scale = 1;
  let x = 0;
  let y = 0;
  let sharp = false;
  buttons.hidden = false;

  const show = () => {
    const width = frame.clientWidth;
    const height = frame.clientHeight;
    x = Math.min(0, Math.max(width - width * scale, x));
    y = Math.min(0, Math.max(height - height * scale, y));
    canvas.style.transform = scale === 1 ? "" : `translate(${x}px, ${y}px) scale(${scale})`;
    frame.classList.toggle("zoomed", scale > 1);
    if (scale > 1.5 && !sharp && Number(image.getAttribute("width")) > image.naturalWidth) {
      sharp = true;
      image.src = `${image.getAttribute("src")}?size=6000`;
    }
  };
  const zoom = (by, at = { x: frame.clientWidth / 2, y: frame.clientHeight / 2 }) => {
    const next = Math.min(16, Math.max(1, scale * by));
    x = at.x - (at.x - x) * (next / scale);
    y = at.y - (at.y - y) * (next / scale);
    scale = next;
    show();
  };
  const fit = () => { scale = 1; x = y = 0; show(); };
  const toFace = () => {
    canvas.style.transform = "";
    const outer = frame.getBoundingClientRect();
    const inner = face.getBoundingClientRect();
    scale = Math.min(16, Math.max(1, frame.clientHeight / (2.2 * Math.max(inner.width, inner.height))));
    x = frame.clientWidth / 2 - (inner.left - outer.left + inner.width / 2) * scale;
    y = frame.clientHeight / 2 - (inner.top - outer.top + inner.height / 2) * scale;
    show();
  };
  const does = { in: () => zoom(1.5), out: () => zoom(1 / 1.5), fit, face: toFace };
  buttons.addEventListener("click", (event) => does[event.target.closest("button")?.dataset.zoom]?.());
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && scale === 1) return; // the page scrolls
    event.preventDefault();
    const place = frame.getBoundingClientRect();
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, { x: event.clientX - place.left, y: event.clientY - place.top });
  }, { passive: false });
  frame.addEventListener("dblclick", (event) => {
    const place = frame.getBoundingClientRect();
    if (scale > 1) fit(); else zoom(3, { x: event.clientX - place.left, y: event.clientY - place.top });
  });
  let from = null;
  frame.addEventListener("pointerdown", (event) => {
    if (scale === 1 || event.button !== 0) return;
    from = { x: event.clientX - x, y: event.clientY - y, moved: false };
  });
  addEventListener("pointermove", (event) => {
    if (!from) return;
    const next = { x: event.clientX - from.x, y: event.clientY - from.y };
    from.moved ||= Math.hypot(next.x - x, next.y - y) > 3;
    if (from.moved) ({ x, y } = next);
    show();
  });
  let dragged = false;
  addEventListener("pointerup", () => { dragged = Boolean(from?.moved); from = null; });
  frame.addEventListener("click", (event) => { if (dragged) { event.preventDefault(); dragged = false; } }, true);
  frame.addEventListener("dragstart", (event) => event.preventDefault());
  frame.addEventListener("keydown", (event) => {
    const step = 60;
    const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else if (event.key === "0") fit();
    else if (moves[event.key] && scale > 1) { x += moves[event.key][0]; y += moves[event.key][1]; show(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  addEventListener("resize", show);
}
