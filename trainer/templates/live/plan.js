// "See the plan": what memory holds at each step, the plans for each core, what each layer costs.

const COLUMNS_MAX = 560;
const SHADES = ['float', 'other', 'int8']; // Colours of tensors, one after the other.

// ---- memory over time --------------------------------------------------------------------------

// For each step the rows of each tensor that are held after it, while anything still reads them.
function heldRows(facts, steps) {
  const lastStep = facts.tensors.map((_, tensor) =>
    steps.findLastIndex(([made]) => made === tensor));
  const lastRead = facts.tensors.map((_, tensor) => {
    const readers = facts.layers.flatMap((layer, index) =>
      layer.inputs.includes(tensor) ? [index + 1] : []);
    if (facts.outputs.includes(tensor)) return steps.length - 1;
    return Math.max(lastStep[tensor], ...readers.map((reader) => lastStep[reader]));
  });
  const held = facts.tensors.map(() => null);
  return steps.map(([made, , end, first], step) => {
    held[made] = [first, end];
    return held.map((rows, tensor) => (lastRead[tensor] >= step ? rows : null));
  });
}

function startMemory(facts, engine) {
  const { steps } = engine;
  const held = heldRows(facts, steps);
  const canvas = find('plan-memory');
  const context = canvas.getContext('2d');
  const shown = Math.min(steps.length, COLUMNS_MAX);
  const stepOf = (column) => Math.floor(column * steps.length / shown);
  let chosen = 0;
  [canvas.width, canvas.height] = [1120, 420];
  find('plan-step').max = steps.length - 1;

  const wide = canvas.width / shown;
  const toY = (byte) => canvas.height * (1 - byte / facts.arena);

  function block(column, at, bytes, shade) {
    const top = toY(at + bytes);
    context.fillStyle = shade;
    context.fillRect(column * wide, top, Math.ceil(wide), Math.max(toY(at) - top - 1, 1));
  }

  function paint() {
    const colours = SHADES.map(colour);
    const shade = (tensor, part) => `rgba(${colours[tensor % SHADES.length]}, ${part})`;
    const [muted, ink] = [colour('muted'), colour('ink')];
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (let column = 0; column < shown; column += 1) {
      const step = stepOf(column);
      const [made, first] = steps[step];
      held[step].forEach((rows, tensor) => {
        if (!rows) return;
        const { at, row_bytes: bytes } = facts.tensors[tensor];
        block(column, at, (rows[1] - rows[0]) * bytes, shade(tensor, 0.45));
        if (tensor === made) {
          block(column, at + (first - rows[0]) * bytes, (rows[1] - first) * bytes,
            shade(tensor, 1));
        }
      });
      const [at, bytes] = made > 0 ? facts.layers[made - 1].scratch : [0, 0];
      if (bytes > 0) block(column, at, bytes, `rgba(${muted}, 0.5)`);
    }
    context.fillStyle = `rgb(${ink})`;
    context.fillRect((chosen + 0.5) * canvas.width / steps.length, 0, 2, canvas.height);
  }

  function choose(step) {
    chosen = Math.min(Math.max(step, 0), steps.length - 1);
    const [made, first, end] = steps[chosen];
    const maker = made > 0 ? `${facts.layers[made - 1].name} makes` : 'the caller\'s image gives';
    const rows = ([from, to]) => (to - from === 1 ? `row ${from}` : `rows ${from} to ${to - 1}`);
    find('plan-step').value = chosen;
    find('plan-now').textContent =
      `Step ${chosen + 1} of ${steps.length}: ${maker} ${rows([first, end])}; ` +
      `the arena has ${grouped(facts.arena)} bytes`;
    const line = (shade, name, what, at, bytes) => make('tr', {},
      make('td', {}, make('span', { className: 'swatch', style: `background: var(--${shade})` }),
        name),
      make('td', { textContent: what }),
      make('td', { className: 'number', textContent: grouped(at) }),
      make('td', { className: 'number', textContent: grouped(bytes) }));
    const lines = held[chosen].flatMap((of, tensor) => {
      if (!of) return [];
      const { name, at, row_bytes: bytes, shape } = facts.tensors[tensor];
      const held = `${rows(of)} of ${shape[0]}`;
      return [line(SHADES[tensor % SHADES.length], name, held, at, (of[1] - of[0]) * bytes)];
    });
    const [at, bytes] = made > 0 ? facts.layers[made - 1].scratch : [0, 0];
    if (bytes > 0) {
      lines.push(line('muted', `scratch of ${facts.layers[made - 1].name}`, '', at, bytes));
    }
    find('plan-buffers').replaceChildren(...lines);
    paint();
  }

  canvas.addEventListener('pointermove', (event) => {
    const box = canvas.getBoundingClientRect();
    choose(Math.floor((event.clientX - box.left) / box.width * steps.length));
  });
  find('plan-step').addEventListener('input', (event) => choose(Number(event.target.value)));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
  choose(Math.floor(steps.length / 2));
}

// ---- the planner's front -----------------------------------------------------------------------

const draw = (tag, attributes, text = '') => {
  const element = document.createElementNS(find('plan-front').namespaceURI, tag);
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  element.textContent = text;
  return element;
};

// About `count` round numbers from 0 to `most`.
function ticks(most, count) {
  const rough = most / count;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * unit).find((size) => size >= rough);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
}

const short = (number) => (number >= 1e6 ? `${Number((number / 1e6).toPrecision(3))} M`
  : number >= 1e3 ? `${Number((number / 1e3).toPrecision(3))} k` : String(number));

function startFront(facts) {
  const svg = find('plan-front');
  const select = find('plan-core');
  const size = { width: 560, height: 320, left: 52, bottom: 40, top: 10, right: 12 };
  let chosen = 0;
  facts.cores.forEach(({ name }) => select.append(make('option', { textContent: name })));
  select.selectedIndex = facts.chosen_core;
  const plans = () => facts.cores[select.selectedIndex].plans;

  function paint() {
    const all = plans();
    const most = (key) => 1.05 * Math.max(...all.map((plan) => plan[key]));
    const [mostX, mostY] = [most('instructions'), most('ram')];
    const toX = (value) => size.left + value / mostX * (size.width - size.left - size.right);
    const toY = (value) => size.height - size.bottom -
      value / mostY * (size.height - size.bottom - size.top);
    const axis = [
      ...ticks(mostX, 5).flatMap((value) => [
        draw('line', { x1: toX(value), x2: toX(value), y1: toY(0), y2: size.top, class: 'grid' }),
        draw('text', { x: toX(value), y: toY(0) + 16, 'text-anchor': 'middle' }, short(value))]),
      ...ticks(mostY, 5).flatMap((value) => [
        draw('line', { x1: toX(0), x2: toX(mostX), y1: toY(value), y2: toY(value), class: 'grid' }),
        draw('text', { x: toX(0) - 6, y: toY(value) + 4, 'text-anchor': 'end' }, short(value))]),
      draw('text', { x: size.width - size.right, y: size.height - 4, 'text-anchor': 'end' },
        'instructions'),
      draw('text', { x: size.left + 6, y: size.top + 24 }, 'RAM, bytes'),
    ];
    const points = all.map((plan, index) => {
      const state = `${plan.is_file ? ' file' : ''}${index === chosen ? ' chosen' : ''}`;
      const point = draw('circle', { cx: toX(plan.instructions), cy: toY(plan.ram),
        r: index === chosen ? 8 : plan.is_file ? 6 : 4.5, class: `point${state}` });
      point.addEventListener('pointerenter', () => choose(index));
      point.addEventListener('click', () => choose(index));
      return point;
    });
    const inFront = points.splice(chosen, 1);
    svg.replaceChildren(...axis, ...points, ...inFront);
  }

  function choose(index) {
    if (index === chosen && svg.childElementCount) return;
    const all = plans();
    chosen = Math.min(Math.max(index, 0), all.length - 1);
    const plan = all[chosen];
    find('plan-chosen').textContent = (plan.is_file ? 'This model file' :
      `Plan ${chosen + 1} of ${all.length}`) + `: ${grouped(plan.instructions)} instructions, ` +
      `${grouped(plan.ram)} bytes of RAM, ${grouped(plan.flash)} bytes of flash for model and ` +
      `code at opt-level ${plan.opt_level}`;
    paint();
    costs(plan);
  }

  function costs(plan) {
    const most = Math.max(...plan.layers.map(({ instructions }) => instructions), 1);
    const rest = plan.instructions - plan.layers.reduce((sum, { instructions }) =>
      sum + instructions, 0);
    const line = (name, how, instructions) => make('tr', {},
      make('th', { scope: 'row', textContent: name }), make('td', { textContent: how }),
      make('td', { className: 'track' }, make('span', {
        style: `width: ${100 * instructions / most}%` })),
      make('td', { className: 'number', textContent: grouped(instructions) }));
    find('plan-costs').replaceChildren(
      ...plan.layers.map(({ how, instructions }, index) =>
        line(facts.layers[index].name, how, instructions)),
      line('all else', '', rest));
  }

  function anew() {
    const file = plans().findIndex((plan) => plan.is_file);
    chosen = -1;
    choose(Math.max(file, 0));
  }
  svg.addEventListener('keydown', (event) => {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    choose(chosen + by);
  });
  select.addEventListener('change', anew);
  anew();
}

function startPlan(facts, engine) {
  startMemory(facts, engine);
  if (facts.cores.length > 0) {
    find('plan-fronts').hidden = false;
    startFront(facts);
  }
}
