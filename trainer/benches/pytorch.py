#!/usr/bin/env python3
"""PyTorch and `trainer` side by side: seconds per epoch of the same network on the same images.

    python3 -m venv /somewhere && /somewhere/bin/pip install torch
    cargo build --release -p trainer
    /somewhere/bin/python trainer/benches/pytorch.py trainer/networks/tutorial.toml [MORE.toml ...]

PyTorch trains the network of the first preset, with its batch normalisation and without its
distortion, in its fastest layout on CPUs, channels last; `trainer` trains every preset named. They
run in alternation, so that the load of the machine meets both alike. An epoch's cost is the
difference of a longer and a shorter run, so that reading, measuring and warming up count for
neither. The CPU seconds are the robust figure on a machine with other work. Needs Python 3.11 and
torch, nothing else.

Any graph of layers is built. `--noise N` makes N images of the network's shape in place of MNIST:

    /somewhere/bin/python trainer/benches/pytorch.py trainer/networks/ds_cnn.toml --noise 4000
"""

import argparse
import gzip
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
import warnings
from pathlib import Path

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
import torch  # noqa: E402
from torch import nn  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    presets_help = "preset files; PyTorch trains the first one's network"
    parser.add_argument("presets", nargs="+", type=Path, help=presets_help)
    data = ROOT / "trainer/data/mnist"
    parser.add_argument("--data", type=Path, default=data, help="folder of IDX files")
    noise_help = "images of noise in the first network's shape, in place of --data"
    parser.add_argument("--noise", type=int, metavar="N", help=noise_help)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each [default: 3]")
    parser.add_argument("--threads", type=int, default=2, help="threads of each [default: 2]")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    preset = read_preset(options.presets[0])
    with tempfile.TemporaryDirectory() as folder:
        if options.noise:
            options.data = Path(folder)
            write_noise(preset["network"], options.noise, options.data)
        compare(preset, options)


def read_preset(path):
    """TOML 1.1 lets a table in braces have several lines; Python's reader knows 1.0."""
    tables = re.compile(r"\{[^{}]*\}")
    return tomllib.loads(tables.sub(lambda table: table[0].replace("\n", " "), path.read_text()))


def compare(preset, options):
    """Turns of both, and what they took."""
    contestants = {"PyTorch " + torch.__version__: PyTorch(preset, options.data)}
    for path in options.presets:
        contestants[f"trainer {path.stem}"] = Trainer(path, options)
    capability, load = torch.backends.cpu.get_cpu_capability(), os.getloadavg()[0]
    print(f"{capability}, {options.threads} threads, load {load:.1f}")

    costs = {name: [] for name in contestants}
    for turn in range(1, options.rounds + 1):
        for name, contestant in contestants.items():
            costs[name].append(contestant.epoch())
            wall, cpu = costs[name][-1]
            print(f"turn {turn}  {name:<28} {wall:7.2f} s  {cpu:7.2f} CPU-s", flush=True)
    report(costs)


def report(costs):
    """The medians, and their ratios to the first contestant's."""
    medians = {
        name: [statistics.median(column) for column in zip(*runs)] for name, runs in costs.items()
    }
    reference = next(iter(medians.values()))
    titles = f"{'wall':>9} {'CPU':>11} {'wall ratio':>11} {'CPU ratio':>10}"
    print(f"\n{'median per epoch':<30} {titles}")
    for name, (wall, cpu) in medians.items():
        ratios = f"{wall / reference[0]:11.3f} {cpu / reference[1]:10.3f}"
        print(f"{name:<30} {wall:7.2f} s {cpu:7.2f} CPU-s {ratios}")
    print(f"load at the end: {os.getloadavg()[0]:.1f}")


class Trainer:
    """The release build of `trainer`, as a process."""

    def __init__(self, preset, options):
        self.program = ROOT / "target/release/trainer"
        if not self.program.exists():
            sys.exit("no target/release/trainer: cargo build --release -p trainer")
        self.arguments = ["train", str(preset.resolve()), "--quiet"]
        self.arguments += ["--threads", str(options.threads)]
        self.arguments += ["--data", str(options.data.resolve())]

    def epoch(self):
        short, long = self.run(1), self.run(1 + EPOCHS)
        return tuple((after - before) / EPOCHS for before, after in zip(short, long))

    def run(self, epochs):
        """Wall and CPU seconds of a whole run."""
        with tempfile.TemporaryDirectory() as out:
            before, begun = cpu_of_children(), time.perf_counter()
            arguments = [*self.arguments, "--epochs", str(epochs), "--out", out]
            subprocess.run([self.program, *arguments], check=True)
            return time.perf_counter() - begun, cpu_of_children() - before


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class PyTorch:
    """The same network, optimiser and batches in PyTorch."""

    def __init__(self, preset, data):
        training = preset["training"]
        images, self.labels = read_noise(data) if is_noise(data) else read_idx(data)
        kept = len(images) - min(training.get("held_out", 0), len(images) // 6)
        images = images[:kept].float().div(255).permute(0, 3, 1, 2)
        self.images = images.contiguous(memory_format=torch.channels_last)
        self.labels = self.labels[:kept].long()
        self.batch = training["batch"]
        torch.manual_seed(0)
        self.model = Graph(preset["network"], training.get("batch_norm"))
        self.model = self.model.to(memory_format=torch.channels_last)
        self.optimizer = optimizer(training["optimizer"], self.model.parameters())
        self.steps(20)

    def epoch(self):
        begun, before = time.perf_counter(), time.process_time()
        self.steps(None)
        return time.perf_counter() - begun, time.process_time() - before

    def steps(self, limit):
        order = torch.randperm(len(self.images)).split(self.batch)
        for chosen in order[:limit]:
            images = self.images[chosen].contiguous(memory_format=torch.channels_last)
            self.optimizer.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(self.model(images), self.labels[chosen]).backward()
            self.optimizer.step()


class Graph(nn.Module):
    """The layers of a preset. What has weights is made when the shapes are known."""

    def __init__(self, network, batch_norm):
        super().__init__()
        self.layers = network["layer"]
        self.norm = batch_norm
        self.parts = nn.ModuleDict()
        shape = [network["input"][side] for side in ("channels", "height", "width")]
        with torch.no_grad():
            self(torch.zeros(2, *shape))

    def forward(self, images):
        maps, last = {"input": images}, images
        for number, layer in enumerate(self.layers):
            read = [maps[name] for name in layer.get("from", [])] or [last]
            last = self.computed(f"{number}", layer, read)
            if "activation" in layer:
                last = FUNCTIONS[layer["activation"]](last)
            maps[layer.get("name", number)] = last
        return last.flatten(1)

    def computed(self, number, layer, read):
        kind, image = layer["type"].removesuffix("_1d"), read[0]
        layer = layer | along_rows(layer) if layer["type"].endswith("_1d") else layer
        match kind:
            case "conv" | "depthwise":
                return self.convolved(number, kind, layer, image)
            case "dense":
                flat = image.flatten(1)
                return self.part(number, lambda: nn.Linear(flat.shape[1], layer["units"]))(flat)
            case "max_pool":
                return nn.functional.max_pool2d(image, layer["size"], layer.get("stride"))
            case "average_pool":
                return averaged(layer, image)
            case "add":
                return read[0] + read[1]
            case "mul":
                return read[0] * read[1]
            case "concat":
                return torch.cat(read, 1)
            case "pad":
                return nn.functional.pad(image, borders(layer["padding"], image, [1, 1], [1, 1]))
            case "dropout":
                return nn.functional.dropout(image, layer["rate"], self.training)
            case "leaky_relu":
                return nn.functional.leaky_relu(image, layer.get("slope", 0.01))
            case "softmax":
                # The loss is that of the values before it.
                return image
        return FUNCTIONS[kind](image)

    def convolved(self, number, kind, layer, image):
        kernel, stride = two(layer["kernel"]), two(layer.get("stride", 1))
        dilation, channels = two(layer.get("dilation", 1)), image.shape[1]
        is_deep = kind == "depthwise"
        filters = channels * layer.get("multiplier", 1) if is_deep else layer["filters"]
        groups = channels if is_deep else 1
        reach = [(size - 1) * step + 1 for size, step in zip(kernel, dilation)]
        padding = borders(layer.get("padding", "valid"), image, reach, stride)
        # Equal borders are the convolution's own, which is faster.
        left, right, top, bottom = padding
        own = (top, left) if (top, left) == (bottom, right) else (0, 0)
        if own == (0, 0) and any(padding):
            image = nn.functional.pad(image, padding)
        is_last = int(number) + 1 == len(self.layers)
        has_norm = self.norm is not None and ("activation" in layer or not is_last)

        def made():
            bias = not has_norm
            conv = nn.Conv2d(channels, filters, kernel, stride, own, dilation, groups, bias)
            norm = nn.BatchNorm2d(filters) if has_norm else nn.Identity()
            return nn.Sequential(conv, norm)

        return self.part(number, made)(image)

    def part(self, number, made):
        if number not in self.parts:
            self.parts[number] = made()
        return self.parts[number]


FUNCTIONS = {
    "relu": nn.functional.relu,
    "relu6": nn.functional.relu6,
    "leaky_relu": nn.functional.leaky_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "hard_swish": nn.functional.hardswish,
}


def along_rows(layer):
    """The keys of a layer over series as those of one over images of one column."""
    keys = ("kernel", "stride", "dilation", "size")
    wider = {key: [layer[key], 1] for key in keys if key in layer}
    if isinstance(layer.get("padding"), list):
        wider["padding"] = layer["padding"] + [0, 0]
    return wider


def two(sides):
    return sides if isinstance(sides, list) else [sides, sides]


def borders(padding, image, reach, stride):
    """Zeros left, right, above and below, as `nn.functional.pad` takes them."""
    if isinstance(padding, list):
        top, bottom, left, right = padding
        return [left, right, top, bottom]
    if padding == "valid":
        return [0, 0, 0, 0]

    def same(length, reach, stride):
        zeros = max((-(-length // stride) - 1) * stride + reach - length, 0)
        return [zeros // 2, zeros - zeros // 2]

    rows, columns = (same(*side) for side in zip(image.shape[2:], reach, stride))
    return columns + ([reach[0] - 1, 0] if padding == "causal" else rows)


def averaged(layer, image):
    """The mean over windows, of the pixels inside of the map, or over the whole map."""
    if "size" not in layer:
        return image.mean((2, 3), keepdim=True)
    size = two(layer["size"])
    stride = two(layer.get("stride", size))
    padding = borders(layer.get("padding", "valid"), image, size, stride)
    if not any(padding):
        return nn.functional.avg_pool2d(image, size, stride)
    inside = nn.functional.pad(torch.ones(1, 1, *image.shape[2:]), padding)
    sums = nn.functional.avg_pool2d(nn.functional.pad(image, padding), size, stride)
    return sums / nn.functional.avg_pool2d(inside, size, stride)


def optimizer(rule, parameters):
    match rule["type"]:
        case "rmsprop":
            rho, epsilon = rule["rho"], rule["epsilon"]
            return torch.optim.RMSprop(parameters, rule["learning_rate"], rho, epsilon)
        case "sgd":
            momentum, nesterov = rule["momentum"], rule.get("nesterov", False)
            return torch.optim.SGD(parameters, rule["learning_rate"], momentum, nesterov=nesterov)


def write_noise(network, images, folder):
    """Arrays of noise as NumPy writes them, with labels of two classes."""
    shape = [network["input"][side] for side in ("height", "width", "channels")]
    for part, count in (("train", images), ("test", 100)):
        torch.manual_seed(count)
        noise = torch.randint(0, 256, (count, *shape), dtype=torch.uint8)
        labels = torch.arange(count, dtype=torch.uint8) % 2
        for name, values in ((f"x_{part}", noise), (f"y_{part}", labels)):
            head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {tuple(values.shape)}, }}\n"
            begin = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode()
            (folder / f"{name}.npy").write_bytes(begin + bytes(values.flatten().tolist()))


def is_noise(folder):
    return (folder / "x_train.npy").exists()


def read_noise(folder):
    """What `write_noise` wrote: images `[image, row, column, channel]` and labels."""

    def part(name):
        raw = (folder / f"{name}.npy").read_bytes()
        head = raw[10 : 10 + int.from_bytes(raw[8:10], "little")].decode()
        shape = [int(side) for side in head.split("(")[1].split(")")[0].split(",") if side.strip()]
        return torch.frombuffer(bytearray(raw[10 + len(head) :]), dtype=torch.uint8).view(shape)

    return part("x_train"), part("y_train")


def read_idx(folder):
    """Images `[image, row, column, channel]` and labels of the training set."""

    def part(name):
        plain = folder / name
        packed = folder / f"{name}.gz"
        raw = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
        sides = [int.from_bytes(raw[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(raw[3])]
        return torch.frombuffer(bytearray(raw[4 + 4 * raw[3] :]), dtype=torch.uint8).view(sides)

    return part("train-images-idx3-ubyte").unsqueeze(3), part("train-labels-idx1-ubyte")


if __name__ == "__main__":
    main()
