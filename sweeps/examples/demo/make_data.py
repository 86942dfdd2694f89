#!/usr/bin/env python3
"""Makes the demo's data: invented reports of clinical trials, with abstracts that can be learned from them.

usage: make_data.py [--out DIR]                          train, validation and test.jsonl.gz, as committed
       make_data.py --corpus FILE --documents N --seed S   plain reports without abstracts, to pretrain on
       make_data.py --forms FILE --documents N --seed S    articles behind a form, and the form filled in: as the above

Every drug, number and finding is invented. An article states what was given to whom for how long, what it did and
which adverse event was the commonest, in varied words and order, among sentences that do not matter. Its abstract
restates those facts in one fixed form: a summarizer has to find the facts, and to learn the form.

A form is a line of chance words with gaps named in brackets; its answer repeats the words and fills the gaps from the
article. A base that has learned to follow forms can be told what to write by what stands before an article, which is
what prompt tuning needs (instruction tuning does the same for Flan-T5). No form says what an abstract says.

Standard library only. The random numbers are our own (splitmix64), so that every Python from 3.8 on writes the same
documents. Text is in lower case, as in the published PubMed corpora.
"""
import argparse
import gzip
import io
import json
import os

SPLITS = (("train", 2000, 1), ("validation", 64, 2), ("test", 100, 3))  # name, documents, seed

CONDITIONS = """asthma; migraine; psoriasis; eczema; insomnia; epilepsy; sciatica; gout; anaemia; bronchitis; sinusitis;
tinnitus; vertigo; arthritis; osteoporosis; hypertension; angina; heart failure; atrial fibrillation; stroke; diabetes;
obesity; hepatitis; pancreatitis; colitis; gastritis; reflux; constipation; cystitis; kidney stones; lupus; sarcoidosis;
fibromyalgia; neuropathy; dementia; depression; anxiety; schizophrenia; tuberculosis; malaria; pneumonia; sepsis;
influenza; endometriosis; glaucoma; rosacea; acne; tendinitis""".replace("\n", " ").split("; ")

DRUGS = """velotinib; amradine; corlixan; dulvarin; espritol; fentocin; galmitrol; hydrelan; ivoranib; jentasol;
kelprofen; lumetrine; mavicept; norvalix; oxalmide; pentorex; quinzepam; rovastin; selmotide; tarvolin; ulmeprazole;
vixoprine; wendotril; xeraban; yulamine; zotrexate; bramolol; cintivir; dorzelan; elbacept; farnoside; gestrovan;
halvomine; imbrutal; kortazine; levoprim; mirtolan; nexaride; ostrevin; pralomab; rimoxane; solvadine; trenicol;
urovelin; valmotide; zenocaine; arbotide; belzumab""".replace("\n", " ").split("; ")

OUTCOMES = """pain score; walking distance; sleep quality; blood pressure; quality of life; symptom score; grip strength;
lung function; fatigue score; body weight; heart rate; bone density; glucose level; memory score; mood score; skin score;
exercise capacity; joint mobility; appetite; muscle strength; kidney function; balance score; cholesterol level;
hearing threshold""".replace("\n", " ").split("; ")

EVENTS = """headache; nausea; dizziness; rash; fatigue; diarrhoea; cough; dry mouth; back pain; fever; vomiting; itching;
drowsiness; swelling; blurred vision; muscle cramps; hair loss; nosebleed; palpitations; sweating""".replace(
    "\n", " ").split("; ")

COMPARATORS = ["placebo", "usual care", "physiotherapy", "a sham device", "aspirin", "dietary advice"]
WEEKS = [4, 6, 8, 10, 12, 16, 18, 20, 24, 26, 30, 36, 40, 48, 52]
TOWNS = ["leeds", "porto", "graz", "turku", "bergen", "ghent", "lyon", "parma", "basel", "cork", "malaga", "aarhus"]

BACKGROUND = [
    "{condition} remains difficult to treat.",
    "treatment of {condition} often fails after some months.",
    "many patients with {condition} stop their treatment early.",
    "{condition} is a common reason for visits to a doctor.",
    "the burden of {condition} has grown in recent years.",
    "little is known about how {condition} should be treated in older adults.",
]
RATIONALE = [
    "{drug} had shown promise in small studies.",
    "in animals {drug} had been safe.",
    "the action of {drug} is not fully understood.",
    "{drug} has so far been used for other diseases.",
]
DESIGN = [
    ["we enrolled {n} patients with {condition}.", "they were given {drug} or {comparator} for {weeks} weeks."],
    ["in this trial {n} adults with {condition} were assigned to {drug} or to {comparator}.",
     "treatment lasted {weeks} weeks."],
    ["over {weeks} weeks, {drug} was compared with {comparator} in {n} people who had {condition}."],
    ["a total of {n} patients took part.", "half of them took {drug} and half had {comparator}.",
     "all had {condition} and were followed for {weeks} weeks."],
    ["{n} volunteers with {condition} were randomised.", "for {weeks} weeks they received either {drug} or {comparator}."],
]
ENDPOINT = [
    "the main outcome was {outcome}.",
    "we measured {outcome} at every visit.",
    "the primary endpoint was the change in {outcome}.",
    "nurses recorded {outcome} each week.",
]
EFFECT = {
    "better": [
        "{outcome} improved by {a} percent with {drug} but only by {b} percent with {comparator}.",
        "with {drug} there was a gain of {a} percent in {outcome}, and with {comparator} a gain of {b} percent.",
        "{outcome} rose by {b} percent under {comparator} and by {a} percent under {drug}.",
    ],
    "equal": [
        "{outcome} improved by {a} percent with {drug} and also by {b} percent with {comparator}.",
        "with {drug} there was a gain of {a} percent in {outcome}, much as with {comparator}, at {b} percent.",
        "{outcome} rose by {b} percent under {comparator}, nearly the same as the {a} percent under {drug}.",
    ],
    "worse": [
        "{outcome} improved by just {a} percent with {drug} but by {b} percent with {comparator}.",
        "with {drug} there was a gain of {a} percent in {outcome}, less than with {comparator}, at {b} percent.",
        "{outcome} rose by {b} percent under {comparator} and by no more than {a} percent under {drug}.",
    ],
}
HARM = [
    "the most frequent adverse event was {event}, followed by {other_event}.",
    "{event} was reported most often, and {other_event} was rare.",
    "side effects were mild: mainly {event}, less often {other_event}.",
    "some patients had {other_event}, but {event} was more common.",
]
DISTRACTORS = [
    "the mean age was {x} years.",
    "the study was carried out at {y} hospitals near {town}.",
    "about {x} percent of the participants were women.",
    "the local ethics committee approved the protocol.",
    "the trial was paid for by a charity.",
    "blood samples were taken at {y} visits.",
    "analyses followed a plan that had been fixed in advance.",
    "{y} patients left the study early.",
    "our study has limits, as all sites were in {town}.",
    "larger trials with longer follow-up are needed.",
    "neither doctors nor patients knew which treatment was given.",
    "doses were adjusted after {y} days where needed.",
    "earlier work from {town} had other aims.",
    "the groups were alike at the start.",
]

# The abstract: one form, whatever the wording of the article.
VERDICT = {"better": "{drug} was better than {comparator}.", "equal": "{drug} was no better than {comparator}.",
           "worse": "{drug} was worse than {comparator}."}
ABSTRACT = ("aims: to test {drug} in {condition}. methods: {n} patients received {drug} or {comparator} for {weeks} weeks. "
            "results: {outcome} improved by {a} percent against {b} percent; the commonest adverse event was {event}. "
            "conclusion: ")

# How reports of the pretraining corpus may end: facts restated in other forms than the abstract's, in any order.
NOTES = {
    "drug": ["drug, {drug}", "treatment, {drug}", "studied, {drug}"],
    "condition": ["disease, {condition}", "condition, {condition}", "patients had {condition}"],
    "n": ["participants, {n}", "patients, {n}", "sample of {n}"],
    "comparator": ["control, {comparator}", "compared with {comparator}", "versus {comparator}"],
    "weeks": ["duration, {weeks} weeks", "lasted {weeks} weeks", "follow-up of {weeks} weeks"],
    "outcome": ["outcome, {outcome}", "measure, {outcome}", "looked at {outcome}"],
    "effect": ["gains, {a} percent against {b} percent", "change of {a} percent versus {b} percent",
               "effect, {a} percent with {drug}, {b} percent with {comparator}"],
    "event": ["adverse event, {event}", "commonest harm, {event}", "watch for {event}"],
}
REMARKS = [
    ["we tested {drug} for {condition}.", "this trial of {drug} was done in {condition}.",
     "the aims were to study {drug} and {condition}."],
    ["{n} patients had {drug} or {comparator} for {weeks} weeks.", "for {weeks} weeks {n} people received {drug} or {comparator}.",
     "there were {n} participants and {weeks} weeks of treatment."],
    ["{outcome} changed by {a} percent with {drug}, against {b} percent.",
     "results for {outcome} were {a} percent and {b} percent.", "{outcome} improved by {a} percent or by {b} percent."],
    ["the commonest problem was {event}.", "{event} was the main adverse event.", "{event} came before {other_event}."],
]
REMARK_VERDICT = {
    "better": ["{drug} was superior to {comparator}.", "{drug} did better than {comparator}.", "{drug} should be preferred."],
    "equal": ["{drug} was no better than {comparator}.", "{drug} and {comparator} did not differ.",
              "{drug} has no advantage over {comparator}."],
    "worse": ["{drug} was inferior to {comparator}.", "{drug} did worse than {comparator}.", "{drug} should be avoided."],
}

# What a gap is called in a form, and what fills it.
GAPS = {"drug": "drug", "disease": "condition", "number": "n", "control": "comparator", "weeks": "weeks", "measure": "outcome",
        "gain": "a", "control gain": "b", "harm": "event"}
FORM_WORDS = """about above after again against aims all also among and any as at before below between but by case cases
change chosen common conclusion control did each early either event events final finding findings first follow for found
from gain given gave group groups had harm in instead into it less main methods more most much named nearly no note of on
one only or other out over patients people per percent problem received report results said second seen shown since so
study summary table taken test tested than that the then they this those to took toward trial under until up versus was
week weeks were when which while who with without worse better commonest adverse improved aimed""".split()
ENDS = [".", ";", ":", ",", "", "", "", ""]


class Random:
    """splitmix64 (Steele et al., 2014)."""

    def __init__(self, seed):
        self.state = seed & 0xFFFFFFFFFFFFFFFF

    def bits(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        return z ^ (z >> 31)

    def below(self, n):
        return self.bits() % n  # n is tiny beside 2^64: the bias does not matter here

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def choice(self, items):
        return items[self.below(len(items))]

    def sample(self, items, count):
        return self.shuffled(items)[:count]

    def shuffled(self, items):
        items = list(items)
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
        return items


def make_facts(random):
    """What one invented trial found."""
    finding = random.choice(["better", "better", "equal", "worse"])
    low, high = random.between(3, 20), random.between(26, 60)
    middle = random.between(12, 40)
    a, b = {"better": (high, low), "worse": (low, high), "equal": (middle, middle + random.between(0, 2))}[finding]
    event, other_event = random.sample(EVENTS, 2)
    return {"condition": random.choice(CONDITIONS), "drug": random.choice(DRUGS), "comparator": random.choice(COMPARATORS),
            "n": 4 * random.between(10, 99), "weeks": random.choice(WEEKS), "outcome": random.choice(OUTCOMES),
            "a": a, "b": b, "event": event, "other_event": other_event, "finding": finding}


def distract(random, count):
    """Sentences whose numbers and names matter to nobody."""
    return [s.format(x=random.between(24, 78), y=random.between(3, 19), town=random.choice(TOWNS))
            for s in random.sample(DISTRACTORS, count)]


def make_article(random, facts):
    """The sentences of one report: what matters in story order, the rest anywhere."""
    opening = [random.choice(BACKGROUND)]
    if random.below(2):
        opening.insert(random.below(2), random.choice(RATIONALE))
    story = list(random.choice(DESIGN))
    if random.below(3):
        story.append(random.choice(ENDPOINT))
    story.extend(random.shuffled([random.choice(EFFECT[facts["finding"]]), random.choice(HARM)]))
    for sentence in distract(random, random.between(2, 4)):
        story.insert(random.below(len(story) + 1), sentence)
    return [s.format(**facts) for s in opening + story]


def make_pair(random, split, number):
    facts = make_facts(random)
    return {"id": "%s-%04d" % (split, number), "article": " ".join(make_article(random, facts)),
            "abstract": (ABSTRACT + VERDICT[facts["finding"]]).format(**facts)}


def make_report(random, number):
    """A document of the pretraining corpus: an article that ends in notes, in remarks, or in more of the same."""
    facts = make_facts(random)
    sentences = make_article(random, facts)
    ending = random.below(5)
    if ending < 2:
        keys = random.sample(sorted(NOTES), random.between(4, 8))
        sentences.append("; ".join(random.choice(NOTES[key]) for key in keys).format(**facts) + ".")
    elif ending < 4:
        remarks = [random.choice(group) for group in REMARKS + [REMARK_VERDICT[facts["finding"]]]]
        sentences += [s.format(**facts) for s in random.sample(remarks, random.between(2, 5))]
    else:
        sentences += distract(random, random.between(3, 5))
    return {"id": "report-%06d" % number, "article": " ".join(sentences)}


def make_form(random, number):
    """A pair of the pretraining corpus: a form and an article, and the form filled in."""
    facts = make_facts(random)
    form, filled = [], []
    for gap in random.sample(sorted(GAPS), random.between(3, 7)):
        words = [random.choice(FORM_WORDS) + random.choice(ENDS) for _ in range(random.between(1, 4))]
        form += words + ["[%s]" % gap]
        filled += words + [str(facts[GAPS[gap]])]
    end = random.choice([".", ";", ""])
    form, filled = " ".join(form) + end, " ".join(filled) + end
    # The words a trial of the demo is trained to write are not to be learned here.
    for taboo in ("aims: to test", "conclusion:"):
        form, filled = form.replace(taboo, "findings"), filled.replace(taboo, "findings")
    return {"id": "form-%06d" % number, "article": form + " " + " ".join(make_article(random, facts)), "abstract": filled}


def write(path, documents):
    text = "".join(json.dumps(d) + "\n" for d in documents).encode("ascii")
    if not path.endswith(".gz"):
        with open(path, "wb") as out:
            out.write(text)
        return
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as out:
        out.write(text)
    with open(path, "wb") as out:
        out.write(buffer.getvalue())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--corpus")
    parser.add_argument("--forms")
    parser.add_argument("--documents", type=int, default=15000)
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args()
    if options.corpus:
        random = Random(options.seed)
        write(options.corpus, [make_report(random, i) for i in range(options.documents)])
    if options.forms:
        random = Random(options.seed + 1)
        write(options.forms, [make_form(random, i) for i in range(options.documents)])
    if options.corpus or options.forms:
        return
    for split, count, seed in SPLITS:
        random = Random(seed)
        write(os.path.join(options.out, split + ".jsonl.gz"), [make_pair(random, split, i) for i in range(count)])


if __name__ == "__main__":
    main()
