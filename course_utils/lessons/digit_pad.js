// The pen's strokes go to Python, which draws the small picture, asks the net, and sends back what
// to show. No other host is asked for anything.

const PATIENCE = 4000; // milliseconds until the page says that nobody answers
const NO_ANSWER = "No answer yet. If no other cell is running, run this cell again.";

const PAGE = `
  <div class="digit-pad-panels">
    <div>
      <div class="digit-pad-title">Draw here</div>
      <svg class="digit-pad-paper" viewBox="0 0 1 1" role="img"
        aria-label="Pad: draw a digit here with the mouse, a finger or a pen"></svg>
    </div>
    <div>
      <div class="digit-pad-title">What the net sees: 28 × 28 pixels</div>
      <img class="digit-pad-picture" alt="Your drawing as a picture of 28 by 28 pixels">
    </div>
    <div>
      <div class="digit-pad-title">Its probabilities</div>
      <div class="digit-pad-bars"></div>
    </div>
  </div>
  <div class="digit-pad-foot">
    <button class="digit-pad-clear" type="button">Clear</button>
    <div class="digit-pad-said" role="status" aria-live="polite"></div>
  </div>`;

function render({ model, el }) {
  el.classList.add("digit-pad");
  el.innerHTML = PAGE;
  const part = (name) => el.querySelector(`.digit-pad-${name}`);
  const [paper, picture, said] = [part("paper"), part("picture"), part("said")];
  const rows = [...Array(10).keys()].map((digit) => barIn(part("bars"), digit));
  let stroke = null; // the one that the pen is drawing
  let waiting = null;

  function draw() {
    const strokes = stroke ? [...model.get("strokes"), stroke] : model.get("strokes");
    paper.replaceChildren(...strokes.map(lineOf));
  }

  function show() {
    const { strokes, picture: source, probabilities, said: text } = model.get("reading");
    if (strokes !== model.get("strokes").length) return; // of an earlier drawing
    clearTimeout(waiting);
    picture.src = source;
    said.textContent = text;
    const most = Math.max(...probabilities);
    rows.forEach((row, digit) => row(probabilities[digit], probabilities[digit] === most));
  }

  function send(strokes) {
    model.set("strokes", strokes);
    clearTimeout(waiting);
    waiting = setTimeout(() => (said.textContent = NO_ANSWER), PATIENCE);
    model.save_changes();
  }

  function add(event) {
    const { left, top, width, height } = paper.getBoundingClientRect();
    const within = (share) => Math.round(1e4 * Math.min(1, Math.max(0, share))) / 1e4;
    const events = event.getCoalescedEvents?.() ?? []; // a fast pen moves several times a frame
    for (const at of events.length ? events : [event]) {
      stroke.push([within((at.clientX - left) / width), within((at.clientY - top) / height)]);
    }
    draw();
  }

  function lift() {
    if (!stroke) return;
    const strokes = [...model.get("strokes"), stroke];
    stroke = null;
    send(strokes);
  }

  paper.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    event.preventDefault();
    paper.setPointerCapture(event.pointerId);
    stroke = [];
    add(event);
  });
  paper.addEventListener("pointermove", (event) => stroke && event.isPrimary && add(event));
  paper.addEventListener("pointerup", lift);
  paper.addEventListener("pointercancel", lift);
  part("clear").addEventListener("click", () => send([]));

  model.on("change:strokes", draw);
  model.on("change:reading", show);
  draw();
  show();
  return () => {
    clearTimeout(waiting);
    model.off("change:strokes", draw);
    model.off("change:reading", show);
  };
}

function lineOf(stroke) {
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  const points = stroke.length > 1 ? stroke : [...stroke, ...stroke]; // a dot is a line as well
  line.setAttribute("points", points.join(" "));
  return line;
}

function barIn(parent, digit) {
  const row = document.createElement("div");
  row.className = "digit-pad-row";
  row.innerHTML = `<span>${digit}</span><div class="digit-pad-track"><div class="digit-pad-bar"></div></div><span></span>`;
  parent.append(row);
  return (probability, is_answer) => {
    const percent = 100 * (probability ?? 0);
    row.classList.toggle("digit-pad-answer", is_answer);
    row.querySelector(".digit-pad-bar").style.width = `${percent}%`;
    row.lastElementChild.textContent = probability === undefined ? "" : `${percent.toFixed(0)} %`;
  };
}

export default { render };
