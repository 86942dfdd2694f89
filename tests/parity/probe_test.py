#!/usr/bin/env python3
"""parity_probe, which run.sh compares with transformers, gives what the golden files hold. Needs no peers."""
import array
import json
import math
import os
import pathlib
import subprocess
import tempfile
import unittest

GOLDENS = pathlib.Path(__file__).parent / "goldens"


def read(path):
    """name -> list of floats, of a safetensors file of fp32."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    return {name: array.array("f", data[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]])
            for name, entry in header.items() if name != "__metadata__"}


def off(a, b):
    return math.dist(a, b) / (math.hypot(*b) + 1e-4)


class Probe(unittest.TestCase):
    def test_loss_logits_and_gradients(self):
        for name in ("t5_v1_0", "t5_v1_1", "tied_unscaled"):
            golden = json.loads((GOLDENS / name / "forward.json").read_text())
            with tempfile.TemporaryDirectory() as folder:
                out, jobs = pathlib.Path(folder) / "out.safetensors", pathlib.Path(folder) / "jobs.json"
                jobs.write_text(json.dumps([{"model": str(GOLDENS / name / "model"), "source": golden["source"],
                                             "target": golden["target"], "out": str(out)}]))
                subprocess.run([os.environ["LORIKEET_PROBE"], jobs], check=True)
                probed = read(out)
            self.assertLess(abs(probed.pop("loss")[0] / golden["loss"] - 1), 1e-4)
            self.assertLess(off(probed.pop("document_losses"), golden["document_losses"]), 1e-4)
            probed.pop("logits")  # those on padding are nobody's
            gradients = {f"gradient.{key}": value for key, value in read(GOLDENS / name / "gradients.safetensors").items()}
            self.assertEqual(probed.keys(), gradients.keys())
            for key, value in gradients.items():
                self.assertLess(off(probed[key], value), 1e-4, f"{name} {key}")

    def test_mistakes_end_with_1(self):
        with tempfile.TemporaryDirectory() as folder:
            jobs = pathlib.Path(folder) / "jobs.json"
            jobs.write_text('[{"model": "nowhere", "source": [[1]], "target": [[1]], "out": "x"}]')
            done = subprocess.run([os.environ["LORIKEET_PROBE"], jobs], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn("nowhere", done.stderr)


if __name__ == "__main__":
    unittest.main()
