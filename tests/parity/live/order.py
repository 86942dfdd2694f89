"""The order of a trial's documents, as worker/trainer/train/permutation.h describes it: the reference must see the same
batches."""
MASK, GOLDEN = (1 << 64) - 1, 0x9E3779B97F4A7C15


def scatter(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def permutation(count, seed, stream):
    state = scatter(scatter((seed + GOLDEN) & MASK) ^ ((stream * GOLDEN + 1) & MASK))
    order = list(range(count))
    for i in range(count, 1, -1):
        state = (state + GOLDEN) & MASK
        j = (scatter(state) * i) >> 64
        order[i - 1], order[j] = order[j], order[i - 1]
    return order


def batches_of(examples, batch_size, seed, steps):
    """`examples`: {"source", "target"}. The effective batches of so many steps, over as many epochs as they take."""
    count, batches, epoch = len(examples["source"]), [], 0
    while len(batches) < steps:
        order = permutation(count, seed, epoch)
        for first in range(0, count, batch_size):
            batches.append({key: [rows[i] for i in order[first:first + batch_size]] for key, rows in examples.items()})
        epoch += 1
    return batches[:steps]
