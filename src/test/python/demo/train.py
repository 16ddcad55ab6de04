# SPDX-License-Identifier: Apache-2.0
"""Trains the demo model: python train.py DATA RUN [--steps N…] [--threads N]

DATA is what prepare.mjs wrote. RUN receives state.pt (written every few minutes; a second call goes on from there), log.txt and
at the end checkpoint/, a complete Hugging Face folder with F16 weights.

Eight phases. Teaching: two small convolutional networks learn to name drawings. Naming: the vision model learns from them. Telling: the
whole BLIP-2 learns captions, and answers to questions. Refining: the same for the concepts alone that it is to speak of. Then naming
and refining twice more, of these concepts; the last time each ends with the mean of the weights that it went through, which knows
drawings of other styles better (Cha et al. 2021, "SWAD: Domain generalization by seeking flat minima").
"""

import argparse
import math
import os
import random
import time

import torch
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel

import model as demo
import pictures
import texts
from teacher import FEATURES, GRID, NETWORKS, Teacher

SEED = 20261123
STEPS = (2700, 5500, 2000, 1300, 2500, 1000, 1300, 700)
RATE = 2e-3
SOFT = 2.0  # temperature of the teacher's opinion
SAVE_EVERY = 300  # seconds
AVERAGED = 2  # phases at the end


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("run")
    parser.add_argument("--steps", type=int, nargs=8, default=STEPS, help="of each phase")
    parser.add_argument("--hold-out", help="a training set to leave out, on which the phases are judged while developing")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    os.makedirs(arguments.run, exist_ok=True)
    Training(arguments).run()


def optimizers(groups):
    """Muon for the matrices of transformer layers, which saves half of the steps here, and AdamW for all else."""
    inner, others = [], []
    for named, factor in groups:
        named = list(named)
        for chosen, target in ((True, inner), (False, others)):
            parameters = [p for n, p in named if (".layer" in n and p.dim() == 2) == chosen]
            if parameters:
                target.append({"params": parameters, "factor": factor})
    made = [torch.optim.AdamW(others, lr=RATE, weight_decay=0.05, betas=(0.9, 0.98))]
    if inner:
        made.append(torch.optim.Muon(inner, lr=RATE, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"))
    return made


def quick():
    """Products in bfloat16, which halves the time where the processor has it; weights, norms and losses stay float32."""
    return torch.autocast("cpu", torch.bfloat16)


class Training:
    def __init__(self, arguments):
        self.arguments = arguments
        self.concepts = pictures.concepts()
        self.drawings, self.labels = pictures.load(arguments.data, held_out=False, without=arguments.hold_out)
        told = torch.tensor([pictures.told(concept) for concept in self.concepts])
        self.all, self.told = torch.arange(len(self.drawings)), told[self.labels].nonzero().squeeze(1)
        self.bpe = demo.tokenizer(self.concepts)
        self.model = demo.blip2(self.bpe)
        self.teacher = Teacher(len(self.concepts))
        self.head = torch.nn.Linear(demo.HIDDEN, len(self.concepts))
        self.likeness = torch.nn.Linear(demo.HIDDEN, NETWORKS * FEATURES)
        self.generator = torch.Generator().manual_seed(SEED)
        self.random = random.Random(SEED)
        self.phase, self.step, self.optimizers, self.mean = 0, 0, [], None
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
        named = list(self.model.named_parameters())
        vision = [(n, p) for n, p in named if n.startswith("vision_model")]
        others = [(n, p) for n, p in named if not n.startswith("vision_model")]
        heads = [*self.head.named_parameters(), *self.likeness.named_parameters()]
        phases = [
            ("teaching", self.teaching_loss, [(self.teacher.named_parameters(), 1.0)]),
            ("naming", self.naming_loss, [(vision + heads, 1.0)]),
            ("telling", self.telling_loss, [(vision, 0.1), (others, 1.0)]),
            ("refining", self.refining_loss, [(vision, 0.2), (others, 0.5)]),
            ("naming", self.naming_again_loss, [(vision + heads, 0.7)]),
            ("refining", self.refining_loss, [(vision, 0.2), (others, 0.5)]),
            ("naming", self.naming_again_loss, [(vision + heads, 0.7)]),
            ("refining", self.refining_loss, [(vision, 0.2), (others, 0.5)]),
        ]
        while self.phase < len(phases):
            name, loss, groups = phases[self.phase]
            self.teacher.train(self.phase == 0)
            self.optimizers = optimizers(groups)
            if saved:
                for optimizer, state in zip(self.optimizers, saved["optimizers"]):
                    optimizer.load_state_dict(state)
            averages = self.phase >= len(phases) - AVERAGED
            self.mean = AveragedModel(self.model) if averages else None
            if averages and saved and saved.get("mean"):
                self.mean.load_state_dict(saved["mean"])
            self.loop(name, loss, self.arguments.steps[self.phase])
            if averages:
                self.model.load_state_dict(self.mean.module.state_dict())
            self.phase, self.step, self.optimizers, self.mean, saved = self.phase + 1, 0, [], None, None
            self.save()
        self.export()

    def loop(self, name, loss_of, steps):
        last_save = last_log = time.time()
        total, count = 0.0, 0
        self.model.train()
        while self.step < steps:
            warm = min(1.0, (self.step + 1) / 200)
            rate = RATE * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.step / steps)))
            groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
            for group in groups:
                group["lr"] = rate * group["factor"]
            loss = loss_of()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([p for group in groups for p in group["params"]], 1.0)
            for optimizer in self.optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            self.step += 1
            if self.mean and self.step > steps // 4:
                self.mean.update_parameters(self.model)
            total, count = total + loss.item(), count + 1
            if time.time() - last_log > 60 or self.step == steps:
                speed = count * self.arguments.batch / (time.time() - last_log)
                self.log(f"{name} {self.step}/{steps} loss {total / count:.4f}, {speed:.0f} pictures/s")
                last_log, total, count = time.time(), 0.0, 0
            if time.time() - last_save > SAVE_EVERY:
                self.save()
                last_save = time.time()

    def sample(self, among):
        index = among[torch.randint(len(among), (self.arguments.batch,), generator=self.generator)]
        return pictures.disturb(self.drawings[index], self.generator), self.labels[index]

    def teaching_loss(self):
        pixels, labels = self.sample(self.all)
        with quick():
            return self.teacher.loss(pixels, labels)

    def naming_loss(self):
        return self.naming_loss_of(*self.sample(self.all))

    def naming_again_loss(self):
        return self.naming_loss_of(*self.sample(self.told))

    def naming_loss_of(self, pixels, labels):
        """The teacher's opinion (softened), the right name, and at each place what the teacher sees there."""
        with quick():
            with torch.no_grad():
                opinion, seen = self.teacher(pixels)
            hidden = self.model.vision_model(pixels).last_hidden_state
            names = self.head(hidden.mean(1))
            side = pictures.SIZE // self.model.config.vision_config.patch_size
            places = hidden[:, 1:].transpose(1, 2).unflatten(2, (side, side))
            places = self.likeness(F.adaptive_avg_pool2d(places, GRID).permute(0, 2, 3, 1))
        unlike = 1 - F.cosine_similarity(places.float(), seen.float().permute(0, 2, 3, 1), dim=-1).mean()
        opinion = opinion.float().mean(0)
        softened = [F.log_softmax(scores / SOFT, dim=1) for scores in (names.float(), opinion)]
        differing = F.kl_div(*softened, log_target=True, reduction="batchmean") * SOFT**2
        return differing + 0.3 * F.cross_entropy(names.float(), labels, label_smoothing=0.1) + 4 * unlike

    def telling_loss(self):
        return self.telling_loss_of(*self.sample(self.all))

    def refining_loss(self):
        return self.telling_loss_of(*self.sample(self.told))

    def telling_loss_of(self, pixels, labels):
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
        with quick():
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
            teacher=self.teacher.state_dict(),
            head=self.head.state_dict(),
            likeness=self.likeness.state_dict(),
            optimizers=[optimizer.state_dict() for optimizer in self.optimizers],
            mean=self.mean.state_dict() if self.mean else None,
            generator=self.generator.get_state(),
            random=self.random.getstate(),
        )
        torch.save(state, self.state_file + ".new")
        os.replace(self.state_file + ".new", self.state_file)

    def restore(self, saved):
        self.phase, self.step = saved["phase"], saved["step"]
        self.model.load_state_dict(saved["model"])
        self.teacher.load_state_dict(saved["teacher"])
        self.head.load_state_dict(saved["head"])
        self.likeness.load_state_dict(saved["likeness"])
        self.generator.set_state(saved["generator"])
        self.random.setstate(saved["random"])
        self.log(f"going on with phase {self.phase + 1} at step {self.step}")

    def export(self):
        folder = os.path.join(self.arguments.run, "checkpoint")
        self.model.eval().half().save_pretrained(folder)
        demo.save_tokenizer(self.bpe, folder)
        self.log("wrote " + folder)


if __name__ == "__main__":
    main()
