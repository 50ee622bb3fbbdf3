// "Try it": something is drawn, chosen or typed, and the model answers.

const AT_ONCE_MS = 40; // A run that takes longer waits for the end of a stroke.
const SLIDERS_MAX = 16;
const CLASSES_SHOWN = 12;
const CHANNELS_SHOWN = 128;

const find = (id) => document.getElementById(id);
const percent = (part) => `${(100 * part).toFixed(1)} %`;
const grouped = (number) => Math.round(number).toLocaleString('en-US');
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

function colour(name) {
  const probe = find('live-probe');
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
}

// ---- what the model is given -------------------------------------------------------------------

function startInput(facts, show) {
  const input = facts.takes_pictures ? startPad(facts, show) : startValues(facts, show);
  startSamples(facts, input);
}

// Strokes on a canvas, by pointer or keys.
function startPad(facts, show) {
  const canvas = find('try-pad');
  const [height, width] = facts.image;
  const unit = 280 / Math.max(height, width);
  [canvas.height, canvas.width] = [Math.round(height * unit), Math.round(width * unit)];
  const grey = (value) => `rgb(${value}, ${value}, ${value})`;
  const look = facts.look ?? { ground: 255, stroke: 0 };
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const pen = { x: canvas.width / 2, y: canvas.height / 2, isDown: false, isShown: false };
  let strokes = [];
  let picture = null;
  find('try-drawing').hidden = false;

  function paint() {
    context.fillStyle = grey(look.ground);
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (picture) {
      const scale = Math.min(canvas.width / picture.width, canvas.height / picture.height);
      const [w, h] = [picture.width * scale, picture.height * scale];
      context.drawImage(picture, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
    }
    context.strokeStyle = context.fillStyle = grey(look.stroke);
    context.lineCap = context.lineJoin = 'round';
    for (const { width, points } of strokes) {
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points.length > 1 ? points.slice(1) : points) context.lineTo(...point);
      context.stroke();
    }
  }

  // The pen of the keys is drawn after the pixels have been read.
  function paintPen() {
    if (!pen.isShown) return;
    context.lineWidth = 2;
    context.strokeStyle = pen.isDown ? '#d55e00' : '#0072b2';
    context.beginPath();
    context.arc(pen.x, pen.y, Number(find('try-pen').value) / 2 + 2, 0, 2 * Math.PI);
    context.stroke();
  }

  function pixels() {
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const channels = picture ? 3 : 1;
    const kept = new Uint8Array(canvas.width * canvas.height * channels);
    for (let index = 0; index < kept.length; index += 1) {
      kept[index] = data[Math.floor(index / channels) * 4 + (index % channels)];
    }
    return { height: canvas.height, width: canvas.width, channels, pixels: kept };
  }

  function paintHint() {
    const [middle, size] = [canvas.width / 2, Math.round(canvas.width / 14)];
    context.fillStyle = 'rgb(128, 128, 128)';
    context.font = `${size}px system-ui, sans-serif`;
    context.textAlign = 'center';
    context.fillText('draw here', middle, canvas.height / 2);
  }

  function redraw(isFinished) {
    paint();
    if (strokes.length || picture) show({ picture: pixels() }, isFinished);
    else {
      show(null, true);
      paintHint();
    }
    paintPen();
  }

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return [x * canvas.width / box.width, y * canvas.height / box.height];
  };
  const begin = (point) => strokes.push({ width: Number(find('try-pen').value), points: [point] });
  const extend = (point) => strokes.at(-1).points.push(point);

  let drawing = null;
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || drawing !== null) return;
    drawing = event.pointerId;
    // A pointer that is gone already cannot be held.
    try { canvas.setPointerCapture(drawing); } catch { /* then the stroke ends at the border */ }
    pen.isShown = pen.isDown = false;
    begin(place(event));
    redraw(false);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (event.pointerId !== drawing) return;
    const parts = event.getCoalescedEvents?.() ?? [];
    for (const part of parts.length ? parts : [event]) extend(place(part));
    redraw(false);
  });
  for (const end of ['pointerup', 'pointercancel']) {
    canvas.addEventListener(end, (event) => {
      if (event.pointerId !== drawing) return;
      drawing = null;
      redraw(true);
    });
  }

  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener('keydown', (event) => {
    const move = MOVES[event.key];
    if (move) {
      const far = event.shiftKey ? 2 : 8;
      pen.x = Math.min(Math.max(pen.x + far * move[0], 0), canvas.width);
      pen.y = Math.min(Math.max(pen.y + far * move[1], 0), canvas.height);
      if (pen.isDown) extend([pen.x, pen.y]);
    } else if (event.key === ' ' || event.key === 'Enter') {
      pen.isDown = !pen.isDown;
      if (pen.isDown) begin([pen.x, pen.y]);
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      clear();
    } else if (event.key === 'z' && (event.ctrlKey || event.metaKey)) {
      undo();
    } else return;
    event.preventDefault();
    pen.isShown = true;
    redraw(true);
  });
  canvas.addEventListener('blur', () => {
    pen.isShown = pen.isDown = false;
    paint();
    if (!strokes.length && !picture) paintHint();
  });

  function clear() {
    [strokes, picture, pen.isDown] = [[], null, false];
    find('try-picture').value = '';
    redraw(true);
  }
  function undo() {
    strokes.pop();
    pen.isDown = false;
    redraw(true);
  }
  find('try-clear').addEventListener('click', clear);
  find('try-undo').addEventListener('click', undo);
  find('try-picture').addEventListener('change', async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    try {
      picture = await createImageBitmap(file);
      strokes = [];
      redraw(true);
    } catch {
      show({ problem: `${file.name} is no picture that this browser reads` }, true);
    }
  });
  paint();
  paintHint();
  return (sample) => {
    [strokes, picture] = [[], null];
    paint();
    paintHint();
    show({ image: sample }, true);
  };
}

// Rows of values: typed, read from a file, or by a slider each.
function startValues(facts, show) {
  const [height, width, channels] = facts.image;
  const columns = width * channels;
  const scale = (place) => facts.scales[place % facts.scales.length] ?? [0, 255];
  const toPixel = (value, place) => {
    const [low, high] = scale(place);
    const pixel = high > low ? Math.round((value - low) / (high - low) * 255) : 0;
    return Math.min(Math.max(pixel, 0), 255);
  };
  const toValue = (pixel, place) => {
    const [low, high] = scale(place);
    return Number((low + pixel / 255 * (high - low)).toPrecision(5));
  };
  let rows = [];
  let first = 0;
  find('try-values').hidden = false;
  find('try-shape').textContent = height > 1
    ? `${height} rows of ${columns} ${columns > 1 ? 'values' : 'value'}` : `${columns} values`;

  function answer() {
    const values = rows.slice(first, first + height).flat();
    const slider = find('try-first');
    slider.max = Math.max(rows.length - height, 0);
    find('try-window').hidden = rows.length <= height;
    find('try-first-row').textContent = String(first);
    if (values.length === height * columns) {
      show({ image: Uint8Array.from(values, toPixel) }, true);
    } else {
      show({ problem: `${rows.length} rows: the model takes ${height} of ${columns} values` }, true);
    }
  }

  // The model's columns of a table whose first line names them; null where it does not.
  function columnsOf(lines) {
    const cells = lines.map((line) =>
      line.split(/[\t,;]/).map((cell) => cell.trim().replace(/^"|"$/g, '')));
    const places = facts.channels.map((name) => (cells[0] ?? []).indexOf(name));
    if (places.length === 0 || places.some((place) => place < 0)) return null;
    return cells.slice(1).map((row) => places.map((place) => row[place]));
  }

  // A row with something other than numbers, such as names of columns, is left out.
  function read(text) {
    const lines = text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
    const cells = columnsOf(lines) ?? lines.map((line) => line.split(/[\s,;]+/).filter(Boolean));
    const numbers = cells.map((row) => row.map((cell) => (cell ? Number(cell) : NaN)));
    const right = numbers.filter((row) => row.every(Number.isFinite));
    const flat = right.flat();
    rows = right.every((row) => row.length === columns) ? right
      : Array.from({ length: Math.floor(flat.length / columns) },
        (_, row) => flat.slice(row * columns, (row + 1) * columns));
    first = Math.min(first, Math.max(rows.length - height, 0));
    answer();
  }

  const area = find('try-text');
  const write = () => { area.value = rows.map((row) => row.join(', ')).join('\n'); };
  area.addEventListener('input', () => { read(area.value); slide(); });
  find('try-file').addEventListener('change', async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    first = 0;
    find('try-first').value = 0;
    area.value = await file.text();
    read(area.value);
    slide();
  });
  find('try-first').addEventListener('input', (event) => {
    first = Number(event.target.value);
    answer();
  });

  const sliders = height * columns <= SLIDERS_MAX
    ? Array.from({ length: height * columns }, (_, place) => {
      const [low, high] = scale(place);
      const slider = make('input', { type: 'range', min: low, max: high, step: 'any' });
      const output = make('output');
      slider.addEventListener('input', () => {
        rows[first + Math.floor(place / columns)][place % columns] =
          Number(Number(slider.value).toPrecision(5));
        output.value = Number(slider.value).toPrecision(3);
        write();
        answer();
      });
      const channel = facts.channels[place % channels];
      const name = channel && place < channels ? channel : `value ${place + 1}`;
      find('try-sliders').append(make('label', {}, make('span', { textContent: name }), slider,
        output));
      return { slider, output };
    }) : [];
  function slide() {
    const values = rows.slice(first, first + height).flat();
    sliders.forEach(({ slider, output }, place) => {
      slider.value = values[place] ?? 0;
      output.value = Number(slider.value).toPrecision(3);
    });
  }

  const put = (sample) => {
    const values = Array.from(sample, toValue);
    rows = Array.from({ length: height }, (_, row) =>
      values.slice(row * columns, (row + 1) * columns));
    first = 0;
    write();
    slide();
    answer();
  };
  const middle = Uint8Array.from({ length: height * columns }, () => 128);
  if (facts.samples.length === 0) put(middle);
  return put;
}

// Inputs that came with the model.
function startSamples(facts, put) {
  const { samples } = facts;
  if (samples.length === 0) return;
  let shown = -1;
  find('try-samples').hidden = false;
  const step = (by) => {
    shown = (shown + by + samples.length) % samples.length;
    const { label, image } = samples[shown];
    find('try-sample').textContent = `${shown + 1} of ${samples.length}: ${label}`;
    put(bytesOf(image));
  };
  find('try-before').addEventListener('click', () => step(shown < 0 ? 0 : -1));
  find('try-next').addEventListener('click', () => step(1));
  step(1);
}

// ---- what the model answers --------------------------------------------------------------------

// Cells of a table of pixels, each `side` pixels of the canvas.
function paintCells(context, [left, top], [height, width], side, shade) {
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      context.fillStyle = shade(row, column);
      context.fillRect(left + column * side, top + row * side, side, side);
    }
  }
}

function paintImage(canvas, facts, image) {
  const [height, width, channels] = facts.image;
  if (!facts.takes_pictures) {
    if (height * width === 1) return paintCurves(canvas, [channels, 1], image);
    return paintCurves(canvas, height === 1 ? [width, channels] : [height, width * channels], image);
  }
  const side = Math.max(Math.floor(196 / Math.max(height, width)), 1);
  [canvas.height, canvas.width] = [height * side, width * side];
  const context = canvas.getContext('2d');
  return paintCells(context, [0, 0], [height, width], side, (row, column) => {
    const at = (row * width + column) * channels;
    return `rgb(${[0, 1, 2].map((part) => image[at + (channels === 3 ? part : 0)])})`;
  });
}

// A curve for each channel of a series; one curve for values that are no series.
function paintCurves(canvas, [rows, channels], image) {
  [canvas.height, canvas.width] = [140, 280];
  const context = canvas.getContext('2d');
  const colours = ['float', 'int8', 'other', 'muted', 'ink'].map((name) => colour(name));
  context.lineWidth = 2;
  for (let channel = 0; channel < Math.min(channels, 40); channel += 1) {
    context.strokeStyle = `rgb(${colours[channel % colours.length]})`;
    context.beginPath();
    for (let row = 0; row < rows; row += 1) {
      const x = rows > 1 ? 4 + row / (rows - 1) * 272 : 140;
      const y = 136 - image[row * channels + channel] / 255 * 132;
      context.lineTo(x, y);
      if (rows === 1) context.arc(x, y, 2, 0, 7);
    }
    context.stroke();
  }
}

// One layer's map: a tile for each channel. 0 has the colour of the page, what is above is blue,
// what is below orange.
function mapView(layer, tensor) {
  const [height, width, channels] = tensor.shape;
  const shown = Math.min(channels, CHANNELS_SHOWN);
  const side = Math.min(Math.max(Math.round(56 / Math.max(height, width)), 1), 14);
  const gap = height * width > 1 ? 4 : 2;
  const [high, wide] = [height * side + gap, width * side + gap];
  const columns = Math.min(shown, Math.max(Math.floor(640 / wide), 1));
  const canvas = make('canvas', { width: columns * wide, height: Math.ceil(shown / columns) * high });
  const readout = make('p', { className: 'note live-readout', textContent: '\u00a0' });
  const part = shown < channels ? `, ${shown} of ${channels} channels shown` : '';
  const step = Number(tensor.scale.toPrecision(3));
  const figure = make('figure', {}, make('h4', { textContent: layer.name }), canvas, readout,
    make('figcaption', { textContent: `${layer.what}: ${tensor.shape.join('×')} int8 values, one ` +
      `step is ${step}, ${tensor.zero} stands for 0${part}` }));
  const context = canvas.getContext('2d');
  let values = null;

  function paint() {
    const [none, above, below] = ['raised', 'float', 'int8'].map(colour);
    const shade = (value) => {
      const from = value - tensor.zero;
      const part = from > 0 ? from / Math.max(127 - tensor.zero, 1)
        : -from / Math.max(tensor.zero + 128, 1);
      const to = from > 0 ? above : below;
      return `rgb(${none.map((level, index) => level + (to[index] - level) * part)})`;
    };
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (let channel = 0; values && channel < shown; channel += 1) {
      const corner = [channel % columns * wide, Math.floor(channel / columns) * high];
      paintCells(context, corner, [height, width], side, (row, column) =>
        shade(values[(row * width + column) * channels + channel]));
    }
  }
  canvas.addEventListener('pointermove', (event) => {
    const box = canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) * canvas.width / box.width;
    const y = (event.clientY - box.top) * canvas.height / box.height;
    const channel = Math.floor(y / high) * columns + Math.floor(x / wide);
    const [row, column] = [Math.floor(y % high / side), Math.floor(x % wide / side)];
    if (!values || channel >= shown || row >= height || column >= width) return;
    const value = values[(row * width + column) * channels + channel];
    const real = Number(((value - tensor.zero) * tensor.scale).toPrecision(3));
    readout.textContent =
      `channel ${channel}, row ${row}, column ${column}: ${value} stands for ${real}`;
  });
  return { figure, paint, put(next) { values = next; paint(); } };
}

function startMaps(facts) {
  const views = facts.layers.map((layer, index) => mapView(layer, facts.tensors[index + 1]));
  find('try-maps').append(...views.map((view) => view.figure));
  const repaint = () => views.forEach((view) => view.paint());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
  return (maps) => {
    let at = 0;
    views.forEach((view, index) => {
      const [height, width, channels] = facts.tensors[index + 1].shape;
      const end = at + height * width * channels;
      view.put(maps?.subarray(at, end));
      at = end;
    });
  };
}

function showScores(facts, { scores, probabilities }) {
  const order = Array.from(scores.keys());
  const isLong = scores.length > CLASSES_SHOWN;
  if (isLong) order.sort((a, b) => scores[b] - scores[a] || a - b);
  const best = scores.indexOf(Math.max(...scores));
  const line = (index) => make('tr', { className: index === best ? 'ours' : '' },
    make('th', { scope: 'row', textContent: facts.classes[index] ?? String(index) }),
    make('td', { className: 'track' }, make('span', {
      style: `width: ${100 * probabilities[index]}%` })),
    make('td', { className: 'number', textContent: percent(probabilities[index]) }),
    make('td', { className: 'number', textContent: String(scores[index]).replace('-', '−') }));
  find('try-scores').replaceChildren(...order.slice(0, CLASSES_SHOWN).map(line));
  find('try-verdict').textContent =
    `${facts.classes[best] ?? best}, ${percent(probabilities[best])}`;
}

// Real values in their units.
function showReals(facts, reals) {
  const shown = (value) => Number(value.toPrecision(4)).toString().replace('-', '−');
  const values = reals.map((value, index) => {
    const [mean, deviation] = facts.targets[index] ?? [0, 1];
    return value * deviation + mean;
  });
  const name = (index) => facts.classes[index] ?? (values.length > 1 ? `value ${index}` : 'value');
  find('try-scores').replaceChildren(...values.map((value, index) => make('tr', {},
    make('th', { scope: 'row', textContent: name(index) }),
    make('td', { className: 'number', textContent: shown(value) }))));
  find('try-verdict').textContent = values.length > 1
    ? values.slice(0, 3).map((value, index) => `${name(index)} ${shown(value)}`).join(', ')
    : shown(values[0]);
}

// The input once more, and how far that is from it.
function showReconstruction(facts, image, reals) {
  const [scale, zero] = facts.input;
  const real = (stored) => (stored - 128 - zero) * scale;
  const squares = reals.map((value, index) => (real(image[index]) - value) ** 2);
  const error = squares.reduce((sum, square) => sum + square, 0) / squares.length;
  const made = Uint8Array.from(reals, (value) =>
    Math.min(Math.max(Math.round(value / scale) + zero + 128, 0), 255));
  find('try-made').hidden = false;
  paintImage(find('try-made'), facts, made);
  const shown = (value) => Number(value.toPrecision(3)).toString();
  const line = (name, value) => make('tr', {}, make('th', { scope: 'row', textContent: name }),
    make('td', { className: 'number', textContent: shown(value) }));
  const lines = [line('error', error)];
  if (facts.threshold !== null) lines.push(line('threshold', facts.threshold));
  find('try-scores').replaceChildren(...lines);
  const isUnusual = facts.threshold !== null && error > facts.threshold;
  find('try-verdict').textContent =
    facts.threshold === null ? shown(error) : (isUnusual ? 'unusual' : 'usual');
}

// By what the model answers.
function showAnswer(facts, image, answered) {
  if (facts.gives === 'scores') return showScores(facts, answered);
  const [scale, zero] = facts.answer;
  const reals = Array.from(answered.scores, (value) => (value - zero) * scale);
  return facts.gives === 'reals' ? showReals(facts, reals)
    : showReconstruction(facts, image, reals);
}

function startTry(facts, engine) {
  const putMaps = startMaps(facts);
  find('try-titles').hidden = facts.gives !== 'scores';
  const say = (text, kind) => {
    Object.assign(find('try-parity'), { textContent: text, className: `note after ${kind}` });
  };
  const state = { isSlow: false, timer: 0 };

  function answer(image, isFinished) {
    const begun = performance.now();
    const answered = engine.run(image);
    state.isSlow = performance.now() - begun > AT_ONCE_MS;
    showAnswer(facts, image, answered);
    putMaps(answered.maps);
    // The reference is slow: it waits until nothing is drawn.
    clearTimeout(state.timer);
    say('compared with the reference once you stop', '');
    state.timer = setTimeout(() => compare(image, answered), isFinished ? 0 : 300);
  }

  function compare(image, { scores, maps }) {
    const isSame = engine.isReference(image);
    if (isSame) say(`all ${grouped(maps.length)} bytes of all layers are the reference's`, 'other');
    else say('the bytes are not the reference\'s: an error of Kindling, please report it', 'int8');
  }

  function clear(note) {
    find('try-note').textContent = note;
    find('try-verdict').textContent = '–';
    find('try-scores').replaceChildren();
    find('try-made').hidden = true;
    say('', '');
    clearTimeout(state.timer);
    putMaps(null);
  }

  function show(given, isFinished) {
    if (!given || given.problem) return clear(given?.problem ?? '');
    if (state.isSlow && !isFinished) return undefined;
    try {
      const { picture } = given;
      const { image, notes } = picture
        ? engine.fit(picture.height, picture.width, picture.channels, picture.pixels)
        : { image: given.image, notes: '' };
      find('try-note').textContent = notes.split(' (--invert')[0];
      paintImage(find('try-seen'), facts, image);
      answer(image, isFinished);
    } catch (error) {
      clear(String(error.message ?? error));
    }
    return undefined;
  }
  startInput(facts, show);
}
