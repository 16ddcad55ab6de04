# SPDX-License-Identifier: Apache-2.0
"""Trains the retrieval twin of the demo model: python train_retrieval.py DATA RUN [--device cuda] [--minutes N]

DATA is what prepare.mjs wrote, or the one file that pictures.py packed it into. RUN receives state.pt (written every few minutes; a
second call goes on from there, or farther if it is given more minutes), log.txt and at the end checkpoint/, a complete Hugging
Face folder with F16 weights. How far a run gets depends on the machine: the rate of learning follows the clock.

Two phases. Teaching: small convolutional networks learn to name drawings. Matching: the whole model learns, with the networks' help,
which texts belong to which drawings (ITC and ITM, Li et al. 2023, "BLIP-2", section 3.1), and ends with the mean of the weights that it
went through. A drawing may be two side by side, of which both names are true, so that the model learns where it has to look.
"""

import argparse
import math
import os
import time

import torch
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel, get_swa_multi_avg_fn

import pictures
import retrieval_model as retrieval
import texts
from teacher import FEATURES, GRID, Teacher
from train import RATE, SEED, SOFT, optimizers

TEACHING = 0.2  # of the time
AVERAGED = 0.4  # of the matching, at its end
COLLAGES = 0.25  # of the drawings
TEMPERATURE = 0.07  # of ITC at the start
WARMED = 200  # steps until the rate is reached
SAVE_EVERY = 200  # seconds
LOG_EVERY = 15
MEASURE_EVERY = 60
RERANKED = 16  # names and drawings that ITM judges, of those that ITC puts first


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("run")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--minutes", type=float, default=480, help="of training, all calls together")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--teachers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--hold-out", help="a training set to leave out, on which the model is measured while developing")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    torch.backends.cudnn.benchmark = True
    os.makedirs(arguments.run, exist_ok=True)
    Training(arguments).run()


class Training:
    def __init__(self, arguments):
        self.arguments, self.device = arguments, torch.device(arguments.device)
        self.concepts = pictures.concepts()
        self.told = torch.tensor([pictures.told(concept) for concept in self.concepts], device=self.device)
        drawings, labels = pictures.load(arguments.data, held_out=False, without=arguments.hold_out)
        self.drawings, self.labels = drawings.to(self.device), labels.to(self.device)
        self.unseen = None
        if arguments.hold_out:
            drawings, labels = (x.to(self.device) for x in pictures.load(arguments.data, False, only=arguments.hold_out))
            self.unseen = drawings[self.told[labels]], labels[self.told[labels]]
        self.vocab = retrieval.vocabulary(self.concepts)
        self.texts = Texts(self.concepts, retrieval.tokenizer(self.vocab), self.device)
        self.model = retrieval.blip2(self.vocab).to(self.device)
        self.teacher = Teacher(len(self.concepts), arguments.teachers, mixing=True).to(self.device)
        self.helpers = torch.nn.ModuleDict({
            "likeness": torch.nn.Linear(retrieval.VISION, arguments.teachers * FEATURES),
            "scale": torch.nn.ParameterList([torch.tensor(-math.log(TEMPERATURE))]),
        }).to(self.device)  # fmt: skip
        self.generator = torch.Generator(self.device).manual_seed(SEED)
        self.spent, self.steps, self.mean = 0.0, 0, None
        self.state_file = os.path.join(arguments.run, "state.pt")
        millions = sum(p.numel() for p in self.model.parameters()) / 1e6
        self.log(f"{len(self.drawings)} drawings of {len(self.concepts)} concepts, {millions:.2f} million parameters, {self.device}")

    def log(self, text):
        with open(os.path.join(self.arguments.run, "log.txt"), "a") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        print(text, flush=True)

    def run(self):
        self.restore()
        whole = self.arguments.minutes * 60
        self.teacher.train()
        self.loop("teaching", self.teaching_loss, self.teacher.named_parameters(), 0, TEACHING * whole)
        self.teacher.eval()
        both = [*self.model.named_parameters(), *self.helpers.named_parameters()]
        self.loop("matching", self.matching_loss, both, TEACHING * whole, whole)
        if self.mean:
            self.model.load_state_dict(self.mean.module.state_dict())
            self.mean = None
        self.save()
        self.measure(whole=True)
        folder = os.path.join(self.arguments.run, "checkpoint")
        retrieval.export(self.model, self.vocab, folder)
        self.log("wrote " + folder)

    def loop(self, name, loss_of, parameters, begin, end):
        """From second `begin` to second `end` of all training; nothing if that time is spent."""
        found = optimizers([(parameters, 1.0)])
        groups = [group for optimizer in found for group in optimizer.param_groups]
        start, before, first = time.time(), self.spent, self.steps
        logged, measured, saved = start, start, start
        totals, count = {}, 0
        while self.spent < end:
            progress = max(0.0, self.spent - begin) / (end - begin)
            warm = min(1.0, (self.steps - first + 1) / WARMED)
            for group in groups:
                group["lr"] = RATE * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
            losses = loss_of()
            sum(losses.values()).backward()
            torch.nn.utils.clip_grad_norm_([p for group in groups for p in group["params"]], 1.0)
            for optimizer in found:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            if name == "matching" and progress > 1 - AVERAGED:
                if not self.mean:
                    self.mean = AveragedModel(self.model, multi_avg_fn=get_swa_multi_avg_fn())
                self.mean.update_parameters(self.model)
            totals = {part: totals.get(part, 0) + loss.detach() for part, loss in losses.items()}
            self.steps, count = self.steps + 1, count + 1
            now = time.time()
            self.spent = before + now - start
            if now - logged > LOG_EVERY or self.spent >= end:
                speed = count * self.arguments.batch / (now - logged)
                means = ", ".join(f"{part} {total / count:.3f}" for part, total in totals.items())
                self.log(f"{name}, step {self.steps}, {self.spent:.0f}/{end:.0f} s, {speed:.0f} pictures/s: {means}")
                logged, totals, count = now, {}, 0
            if now - measured > MEASURE_EVERY:
                self.measure(name == "teaching")
                measured = now
            if now - saved > SAVE_EVERY:
                self.save()
                saved = now

    def quick(self):
        """Products in bfloat16; weights, norms and losses stay float32."""
        return torch.autocast(self.device.type, torch.bfloat16)

    def sample(self, count):
        index = torch.randint(len(self.drawings), (count,), generator=self.generator, device=self.device)
        return pictures.warp(self.drawings[index], self.generator), self.labels[index]

    def disturb(self, drawings):
        return pictures.erase(pictures.disturb(drawings, self.generator), self.generator)

    def teaching_loss(self):
        drawings, labels = self.sample(self.arguments.batch)
        pixels = self.disturb(drawings)
        with self.quick():
            return {"naming": self.teacher.loss(pixels, labels) / self.arguments.teachers}

    def matching_loss(self):
        drawings, labels = self.sample(self.arguments.batch)
        others, more = self.sample(int(COLLAGES * len(drawings)))
        alone = len(drawings) - len(others)
        drawings = torch.cat([drawings[:alone], pictures.collage(drawings[alone:], others, self.generator)])
        holds = F.one_hot(labels, len(self.concepts)).float()
        holds[alone:] += F.one_hot(more, len(self.concepts))
        pixels = self.disturb(drawings)
        ids = self.texts.choose(self.generator)
        true = (holds @ self.texts.means.T > 0).float()  # [drawings, texts]
        with self.quick():
            with torch.no_grad():
                opinion, noticed = self.teacher(pixels)
            hidden = self.model.vision_model(pixels).last_hidden_state
            similar = similarity(self.image_embeds(hidden), self.text_embeds(ids))
            match = self.matching(hidden, ids, similar, true)
            side = pictures.SIZE // retrieval.PATCH
            places = hidden[:, 1:].transpose(1, 2).unflatten(2, (side, side))
            places = self.helpers["likeness"](F.adaptive_avg_pool2d(places, GRID).permute(0, 2, 3, 1))
        scores = similar * self.helpers["scale"][0].exp().clamp(max=100)
        unlike = 1 - F.cosine_similarity(places.float(), noticed.float().permute(0, 2, 3, 1), dim=-1).mean()
        softened = [F.log_softmax(x / SOFT, dim=1) for x in (scores[:alone, : len(self.concepts)], opinion.float().mean(0)[:alone])]
        differing = F.kl_div(*softened, log_target=True, reduction="batchmean") * SOFT**2
        contrast = 0.5 * towards(scores.T, true.T)
        for part, weight in zip(self.texts.parts, (0.5, 0.1, 0.1)):
            contrast = contrast + weight * towards(scores[:, part], true[:, part])
        return {"differing": differing, "contrast": contrast, "match": match, "unlike": 4 * unlike}

    def matching(self, hidden, ids, similar, true):
        """ITM: a drawing and a true text, the drawing and a text that is falsely similar, and the text and such a drawing."""
        chosen = torch.randperm(len(hidden), generator=self.generator, device=self.device)[: len(hidden) // 2]
        likely = (similar.detach() / TEMPERATURE).exp()
        names = torch.full_like(true[0], 0.2)
        names[self.texts.parts[0]] = 1
        said = self.draw(true[chosen] * names)
        false_text = self.draw((likely * (1 - true))[chosen])
        false_drawing = self.draw((likely * (1 - true)).T[said])
        drawings, said = torch.cat([chosen, chosen, false_drawing]), torch.cat([said, false_text, said])
        logits = self.match_logits(hidden[drawings], ids[said])
        return F.cross_entropy(logits.float(), (torch.arange(len(said), device=self.device) < len(chosen)).long())

    def draw(self, weights):
        return torch.multinomial(weights + 1e-12, 1, generator=self.generator).squeeze(1)

    def image_embeds(self, hidden):
        queries = self.model.query_tokens.expand(len(hidden), -1, -1)
        read = self.model.qformer(query_embeds=queries, encoder_hidden_states=hidden).last_hidden_state
        return F.normalize(self.model.vision_projection(read).float(), dim=-1)

    def text_embeds(self, ids):
        embeddings = self.model.embeddings(input_ids=ids)
        read = self.model.qformer(query_embeds=embeddings, query_length=0, attention_mask=seen(ids > 0)).last_hidden_state
        return F.normalize(self.model.text_projection(read[:, 0]).float(), dim=-1)

    def match_logits(self, hidden, ids):
        queries = self.model.query_tokens.expand(len(hidden), -1, -1)
        both = self.model.embeddings(input_ids=ids, query_embeds=queries)
        mask = seen(torch.cat([torch.ones_like(queries[..., 0], dtype=torch.bool), ids > 0], dim=1))
        read = self.model.qformer(
            query_embeds=both, query_length=queries.shape[1], attention_mask=mask, encoder_hidden_states=hidden
        ).last_hidden_state
        return self.model.itm_head(read[:, : queries.shape[1]]).mean(1)

    @torch.no_grad()
    def measure(self, teaching=False, whole=False):
        """How many drawings of the set left out find their name among those told, and how many of their names find a drawing."""
        if not self.unseen:
            return
        drawings, labels = self.unseen
        ground = torch.from_numpy(pictures.plain(drawings.cpu())).to(self.device).permute(0, 3, 1, 2) / 255
        pixels = pictures.normalise(F.interpolate(ground, (pictures.SIZE,) * 2, mode="bicubic", antialias=True).clamp(0, 1))
        if teaching:
            self.teacher.eval()
            named = self.teacher(pixels)[0].mean(0).masked_fill(~self.told, -math.inf).argmax(1)
            self.teacher.train()
            return self.log(f"{self.arguments.hold_out}: the teacher names {100 * (named == labels).float().mean():.1f} %")
        kept, self.model = self.model, self.mean.module if self.mean else self.model
        told = self.told.nonzero().squeeze(1)
        ids = self.texts.first(told)
        hidden = self.model.vision_model(pixels).last_hidden_state
        similar = similarity(self.image_embeds(hidden), self.text_embeds(ids))
        right = labels[:, None] == told
        shown = right.any(0)
        found = [("ITC", similar, similar)]
        if whole:
            to_names, to_drawings = (torch.full_like(similar, -math.inf) for _ in range(2))
            for row, place in enumerate(similar.topk(RERANKED, 1).indices):
                to_names[row, place] = self.match_logits(hidden[row].expand(RERANKED, -1, -1), ids[place])[:, 1] + similar[row, place]
            for column, place in enumerate(similar.topk(RERANKED, 0).indices.T):
                logits = self.match_logits(hidden[place], ids[column].expand(RERANKED, -1))
                to_drawings[place, column] = logits[:, 1] + similar[place, column]
            found.append(("ITM", to_names, to_drawings))
        for kind, names, drawn in found:
            name = right.gather(1, names.argmax(1, keepdim=True)).float().mean()
            drawing = right.gather(0, drawn.argmax(0, keepdim=True))[0, shown].float().mean()
            self.log(f"{self.arguments.hold_out}, {kind}: right name first {100 * name:.1f} %, right drawing first {100 * drawing:.1f} %")
        self.model = kept

    def save(self):
        """Without the optimizers' moments, which are soon found again."""
        state = dict(
            spent=self.spent,
            steps=self.steps,
            model=self.model.state_dict(),
            helpers=self.helpers.state_dict(),
            teacher={name: x.half() if x.is_floating_point() else x for name, x in self.teacher.state_dict().items()},
            mean=self.mean.state_dict() if self.mean else None,
            generator=self.generator.get_state(),
        )
        torch.save(state, self.state_file + ".new")
        os.replace(self.state_file + ".new", self.state_file)

    def restore(self):
        if not os.path.exists(self.state_file):
            return
        saved = torch.load(self.state_file, map_location=self.device)
        self.spent, self.steps = saved["spent"], saved["steps"]
        self.model.load_state_dict(saved["model"])
        self.helpers.load_state_dict(saved["helpers"])
        self.teacher.load_state_dict(saved["teacher"])
        if saved["mean"]:
            self.mean = AveragedModel(self.model, multi_avg_fn=get_swa_multi_avg_fn())
            self.mean.load_state_dict(saved["mean"])
        if saved["generator"].shape == self.generator.get_state().shape:  # else it comes from another kind of device
            self.generator.set_state(saved["generator"].cpu())
        self.log(f"going on after {self.spent:.0f} s and {self.steps} steps")


class Texts:
    """The names of all concepts, then the kinds, then the colours; `means` [texts, concepts] is 1 where a text is true of a concept."""

    def __init__(self, concepts, tokenizer, device):
        said = [(texts.titles(concept), [label]) for label, concept in enumerate(concepts)]
        self.parts, everything = [slice(0, len(said))], list(said)
        for group in texts.groups(concepts):
            self.parts.append(slice(len(everything), len(everything) + len(group)))
            everything += group
        rows = [[tokenizer.encode(form).ids for form in forms] for forms, _ in everything]
        longest = max(len(row) for some in rows for row in some)
        self.ids = torch.zeros(len(rows), max(map(len, rows)), longest, dtype=torch.long)
        self.means = torch.zeros(len(rows), len(concepts), device=device)
        for text, (some, (_, labels)) in enumerate(zip(rows, everything)):
            self.means[text, labels] = 1
            for form, row in enumerate(some):
                self.ids[text, form, : len(row)] = torch.tensor(row)
        self.ids = self.ids.to(device)
        self.forms = torch.tensor([len(some) for some in rows], device=device)

    def choose(self, generator):
        """Each text in one of its forms: ids [texts, tokens], 0 where there is none."""
        share = torch.rand(len(self.forms), generator=generator, device=self.forms.device)
        return self.ids[torch.arange(len(self.forms), device=self.forms.device), (share * self.forms).long()]

    def first(self, labels):
        return self.ids[labels, 0]


def seen(mask):
    """[B, S] → [B, 1, 1, S], which the attention takes as it is; a mask of two dimensions would be looked at, and a GPU waited for."""
    return mask[:, None, None]


def similarity(images, texts):
    """Of the query that is most similar to the text: [B, Q, D] and [T, D] → [B, T]."""
    with torch.autocast(images.device.type, enabled=False):
        return (images @ texts.T).amax(1)


def towards(scores, true):
    """Cross entropy of each row to its true columns, all equally; rows without one do not count."""
    some = true.sum(1, keepdim=True)
    wanted = true / some.clamp(min=1)
    return -(wanted * F.log_softmax(scores, dim=1)).sum() / (some > 0).sum().clamp(min=1)


if __name__ == "__main__":
    main()
