# SPDX-License-Identifier: Apache-2.0
"""Trains the demo model: python train.py DATA RUN [--naming-steps N] [--telling-steps N] [--threads N]

DATA is what prepare.mjs wrote. RUN receives state.pt (written every few minutes; a second call goes on from there), log.txt and
at the end checkpoint/, a complete Hugging Face folder with F16 weights.

First the vision model learns to name drawings, with a head that is thrown away (most of what there is to learn). Then the whole
BLIP-2 learns to tell: captions, and answers to questions.
"""

import argparse
import math
import os
import random
import time

import torch
import torch.nn.functional as F

import model as demo
import pictures
import texts

SEED = 20261123
SAVE_EVERY = 300  # seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("run")
    parser.add_argument("--naming-steps", type=int, default=16000)
    parser.add_argument("--telling-steps", type=int, default=8000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    os.makedirs(arguments.run, exist_ok=True)
    Training(arguments).run()


class Training:
    def __init__(self, arguments):
        self.arguments = arguments
        self.concepts = pictures.concepts()
        self.drawings, self.labels = pictures.load(arguments.data, held_out=False)
        self.bpe = demo.tokenizer(self.concepts)
        self.model = demo.blip2(self.bpe)
        self.head = torch.nn.Linear(demo.HIDDEN, len(self.concepts))
        self.generator = torch.Generator().manual_seed(SEED)
        self.random = random.Random(SEED)
        self.phase, self.step, self.optimizer = "naming", 0, None
        self.state_file = os.path.join(arguments.run, "state.pt")
        millions = sum(p.numel() for p in self.model.parameters()) / 1e6
        self.log(f"{len(self.drawings)} drawings of {len(self.concepts)} concepts, {millions:.2f} million parameters")

    def log(self, text):
        with open(os.path.join(self.arguments.run, "log.txt"), "a") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        print(text, flush=True)

    def run(self):
        saved = torch.load(self.state_file, weights_only=False) if os.path.exists(self.state_file) else None
        if saved:
            self.restore(saved)
        if self.phase == "naming":
            parameters = [*self.model.vision_model.parameters(), *self.head.parameters()]
            self.loop(parameters, 1e-3, self.arguments.naming_steps, self.naming_loss, saved)
            self.phase, self.step, saved = "telling", 0, None
            self.save()
        slow = [p for n, p in self.model.named_parameters() if n.startswith("vision_model")]
        fast = [p for n, p in self.model.named_parameters() if not n.startswith("vision_model")]
        groups = [{"params": slow, "factor": 0.1}, {"params": fast, "factor": 1.0}]
        optimizer = saved if saved and saved["phase"] == "telling" else None
        self.loop(groups, 1e-3, self.arguments.telling_steps, self.telling_loss, optimizer)
        self.export()

    def loop(self, parameters, rate, steps, loss_of, saved):
        self.optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.05, betas=(0.9, 0.98))
        if saved and saved["optimizer"]:
            self.optimizer.load_state_dict(saved["optimizer"])
        self.model.train()
        last_save = last_log = time.time()
        total, count = 0.0, 0
        while self.step < steps:
            warm = min(1.0, (self.step + 1) / 500)
            now = rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.step / steps)))
            for group in self.optimizer.param_groups:
                group["lr"] = now * group.get("factor", 1.0)
            loss = loss_of()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_([p for g in self.optimizer.param_groups for p in g["params"]], 1.0)
            self.optimizer.step()
            self.step += 1
            total, count = total + loss.item(), count + 1
            if time.time() - last_log > 60 or self.step == steps:
                speed = count * self.arguments.batch / (time.time() - last_log)
                self.log(f"{self.phase} {self.step}/{steps} loss {total / count:.4f}, {speed:.0f} pictures/s")
                last_log, total, count = time.time(), 0.0, 0
            if time.time() - last_save > SAVE_EVERY:
                self.save()
                last_save = time.time()

    def sample(self):
        index = torch.randint(len(self.drawings), (self.arguments.batch,), generator=self.generator)
        return pictures.disturb(self.drawings[index], self.generator), self.labels[index]

    def naming_loss(self):
        pixels, labels = self.sample()
        features = self.model.vision_model(pixels).last_hidden_state.mean(1)
        return F.cross_entropy(self.head(features), labels, label_smoothing=0.1)

    def telling_loss(self):
        pixels, labels = self.sample()
        prompts, answers = zip(*(self.say(self.concepts[label]) for label in labels.tolist()))
        rows = [self.bpe.encode(prompt).ids for prompt in prompts]
        ends = [self.bpe.encode(answer + "\n", add_special_tokens=False).ids for answer in answers]
        longest = max(len(row) + len(end) for row, end in zip(rows, ends))
        image = self.model.config.image_token_index
        ids, wanted = [], []
        for row, end in zip(rows, ends):
            space = longest - len(row) - len(end)
            ids.append([image] * demo.QUERIES + row + end + [1] * space)
            wanted.append([-100] * (demo.QUERIES + len(row)) + end + [-100] * space)
        ids = torch.tensor(ids)
        mask = (ids != 1).long()
        return self.model(pixel_values=pixels, input_ids=ids, attention_mask=mask, labels=torch.tensor(wanted)).loss

    def say(self, concept):
        """A prompt and what follows it."""
        kind = self.random.random()
        caption = texts.caption(concept)
        if kind < 0.5:
            return "", caption
        if kind < 0.6:
            return self.random.choice(("a photo of", "a picture of")), " " + caption
        question, answer = self.random.choice(texts.questions(concept))
        return self.random.choice(texts.FORMS).format(question), " " + answer

    def save(self):
        state = dict(
            phase=self.phase,
            step=self.step,
            model=self.model.state_dict(),
            head=self.head.state_dict(),
            optimizer=self.optimizer.state_dict() if self.optimizer and self.step else None,
            generator=self.generator.get_state(),
            random=self.random.getstate(),
        )
        torch.save(state, self.state_file + ".new")
        os.replace(self.state_file + ".new", self.state_file)

    def restore(self, saved):
        self.phase, self.step = saved["phase"], saved["step"]
        self.model.load_state_dict(saved["model"])
        self.head.load_state_dict(saved["head"])
        self.generator.set_state(saved["generator"])
        self.random.setstate(saved["random"])
        self.log(f"going on with {self.phase} at step {self.step}")

    def export(self):
        folder = os.path.join(self.arguments.run, "checkpoint")
        self.model.eval().half().save_pretrained(folder)
        demo.save_tokenizer(self.bpe, folder)
        self.log("wrote " + folder)


if __name__ == "__main__":
    main()
