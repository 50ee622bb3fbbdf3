// The model at work: what trainer/page/src/exports.rs offers, as JavaScript likes it.

const RESULTS = { text: 0, image: 1, scores: 2, probabilities: 3, maps: 4, steps: 5 };

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

async function openEngine(wasm, model, facts) {
  const { instance } = await WebAssembly.instantiate(wasm, {});
  const engine = instance.exports;

  // Asking for memory may move it: the view is made afterwards.
  const handOver = (bytes) => {
    const at = engine.buffer(bytes.length);
    new Uint8Array(engine.memory.buffer, at, bytes.length).set(bytes);
  };
  const result = (number) => {
    const [at, bytes] = [engine.result(number), engine.result_bytes(number)];
    return engine.memory.buffer.slice(at, at + bytes);
  };
  const text = () => new TextDecoder().decode(result(RESULTS.text));
  const checked = (done) => {
    if (!done) throw new Error(text());
    return done;
  };

  handOver(model);
  checked(engine.load());
  const steps = new Uint32Array(result(RESULTS.steps));
  engine.resize_by(facts.resize);
  if (facts.look) {
    const { ground, stroke, side, centre } = facts.look;
    engine.look_like(ground, stroke, side, ...centre);
  }
  return {
    // [tensor, first row made, row after the last, first row held], step by step.
    steps: Array.from({ length: steps.length / 4 }, (_, index) =>
      steps.slice(4 * index, 4 * index + 4)),
    // A picture of any size as the model's image, with notes.
    fit(height, width, channels, pixels) {
      handOver(pixels);
      checked(engine.fit(height, width, channels));
      return { image: new Uint8Array(result(RESULTS.image)), notes: text() };
    },
    run(image) {
      handOver(image);
      checked(engine.run());
      return {
        scores: new Int8Array(result(RESULTS.scores)),
        probabilities: new Float32Array(result(RESULTS.probabilities)),
        maps: new Int8Array(result(RESULTS.maps)),
      };
    },
    // Whether the reference gives the same bytes for the image that was run last.
    isReference(image) {
      handOver(image);
      return checked(engine.compare()) === 1;
    },
  };
}
