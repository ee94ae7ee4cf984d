# SPDX-License-Identifier: Apache-2.0
"""Random choices from a seed, the same on each machine and with each Python."""


class Draw:
    def __init__(self, *seeds):
        self.state = 0
        for seed in seeds:
            self.state = (self.state * 0x2545F4914F6CDD1D + seed + 1) & 0xFFFFFFFFFFFFFFFF

    def below(self, limit):
        """0 .. limit - 1 (splitmix64)."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        x = self.state
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        return (x ^ (x >> 31)) % limit

    def one(self, choices):
        return choices[self.below(len(choices))]

    def chance(self, percent):
        return self.below(100) < percent

    def some(self, choices, most):
        """Up to `most` different ones, at least one, in their order."""
        taken = {self.below(len(choices)) for _ in range(1 + self.below(most))}
        return [choices[at] for at in sorted(taken)]
