#!/usr/bin/env python3
"""PyTorch and `trainer` side by side: seconds per epoch of the same network on the same images.

    python3 -m venv /somewhere && /somewhere/bin/pip install torch
    cargo build --release -p trainer
    /somewhere/bin/python trainer/benches/pytorch.py trainer/networks/tutorial.toml [MORE.toml ...]

PyTorch trains the plain network of the first preset (no batch normalisation, no distortion) in its
fastest layout on CPUs, channels last; `trainer` trains every preset named. They run in alternation,
so that the load of the machine meets both alike. An epoch's cost is the difference of a longer and
a shorter run, so that reading, measuring and warming up count for neither. The CPU seconds are the
robust figure on a machine with other work. Needs Python 3.11 and torch, nothing else.
"""

import argparse
import gzip
import os
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
    parser.add_argument("--rounds", type=int, default=3, help="turns of each [default: 3]")
    parser.add_argument("--threads", type=int, default=2, help="threads of each [default: 2]")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    preset = tomllib.loads(options.presets[0].read_text())
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
        images, self.labels = read_idx(data)
        kept = len(images) - min(training.get("held_out", 0), len(images) // 6)
        images = images[:kept].float().div(255).unsqueeze(1)
        self.images = images.contiguous(memory_format=torch.channels_last)
        self.labels = self.labels[:kept].long()
        self.batch = training["batch"]
        torch.manual_seed(0)
        self.model = model(preset["network"]).to(memory_format=torch.channels_last)
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


def model(network):
    """The layers of a preset as PyTorch modules."""
    layers = []
    for layer in network["layer"]:
        match layer["type"]:
            case "conv":
                kernel, stride = layer["kernel"], layer.get("stride", 1)
                padding = layer.get("padding", "valid")
                layers.append(nn.LazyConv2d(layer["filters"], kernel, stride, padding))
            case "max_pool":
                layers.append(nn.MaxPool2d(layer["size"], layer.get("stride", layer["size"])))
            case "dense":
                if not any(isinstance(before, nn.Flatten) for before in layers):
                    layers.append(nn.Flatten())
                layers.append(nn.LazyLinear(layer["units"]))
            case "relu":
                layers.append(nn.ReLU(inplace=True))
        if layer.get("activation") == "relu":
            layers.append(nn.ReLU(inplace=True))
    built = nn.Sequential(*layers)
    shape = [network["input"][side] for side in ("channels", "height", "width")]
    with torch.no_grad():
        built(torch.zeros(1, *shape))
    return built


def optimizer(rule, parameters):
    match rule["type"]:
        case "rmsprop":
            rho, epsilon = rule["rho"], rule["epsilon"]
            return torch.optim.RMSprop(parameters, rule["learning_rate"], rho, epsilon)
        case "sgd":
            momentum, nesterov = rule["momentum"], rule.get("nesterov", False)
            return torch.optim.SGD(parameters, rule["learning_rate"], momentum, nesterov=nesterov)


def read_idx(folder):
    """Images `[image, row, column]` and labels of the training set."""

    def part(name):
        plain = folder / name
        packed = folder / f"{name}.gz"
        raw = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
        sides = [int.from_bytes(raw[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(raw[3])]
        return torch.frombuffer(bytearray(raw[4 + 4 * raw[3] :]), dtype=torch.uint8).view(sides)

    return part("train-images-idx3-ubyte"), part("train-labels-idx1-ubyte")


if __name__ == "__main__":
    main()
