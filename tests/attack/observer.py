# SPDX-License-Identifier: EUPL-1.2
"""An observer who has everything that is told of a day, and forms all linear combinations of it.

A told cell is the set of views it counts; an *atom* is the views that are in exactly the same cells. A combination is one
number an atom, f = sum x_c [atom in c]. It is a leak if f is not 0 for somebody's views, but for those of fewer than k
visitors. Scaled so that f is 1 at the atom where |f| is greatest, a leak has at most one unit a visitor: so if the least sum
of |f| over visitors, |f| <= 1, f = 1 at an atom, is k or more for each atom, there is no leak at all. That is a linear
program; where its optimum is below k, an integer one counts heads exactly."""
import collections

import numpy
from scipy import optimize, sparse

K = 10
NEARLY = 1e-6
MILP_SECONDS = 20


class Atoms:
    """The atoms of some sets of views, and the visitors by the atoms they are in."""

    def __init__(self, sets, visitors):
        member = collections.defaultdict(list)
        for number, views in enumerate(sets):
            for view in views:
                member[view].append(number)
        kinds = collections.defaultdict(list)
        for view, cells in member.items():
            kinds[tuple(cells)].append(view)
        self.views = list(kinds.values())
        self.cells = list(kinds)
        self.heads = [{visitors[view] for view in views} for views in self.views]
        where = collections.defaultdict(set)
        for atom, heads in enumerate(self.heads):
            for visitor in heads:
                where[visitor].add(atom)
        self.groups = collections.Counter(frozenset(atoms) for atoms in where.values())
        self.set_count = len(sets)

    def touched(self, atoms):
        """Distinct visitors of some atoms."""
        return len(set().union(*(self.heads[atom] for atom in atoms)))


class Program:
    """The least visitors that a combination touches, as programs over one number x a set, one bound h an atom with
    -h <= f <= h, and one u a group of visitors who are in several atoms, h <= u."""

    def __init__(self, atoms):
        self.atoms = atoms
        count = len(atoms.cells)
        shared = [(group, times) for group, times in atoms.groups.items() if len(group) > 1]
        self.width = atoms.set_count + count + len(shared)
        self.weights = numpy.zeros(self.width)
        for group, times in atoms.groups.items():
            if len(group) == 1:
                self.weights[atoms.set_count + next(iter(group))] += times
        rows, columns, values = [], [], []

        def put(row, column, value):
            rows.append(row)
            columns.append(column)
            values.append(value)

        row = 0
        for sign in (1, -1):
            for atom, cells in enumerate(atoms.cells):
                for cell in cells:
                    put(row, cell, sign)
                put(row, atoms.set_count + atom, -1)
                row += 1
        for number, (group, times) in enumerate(shared):
            self.weights[atoms.set_count + count + number] = times
            for atom in group:
                put(row, atoms.set_count + atom, 1)
                put(row, atoms.set_count + count + number, -1)
                row += 1
        self.limits = sparse.csr_matrix((values, (rows, columns)), shape=(row, self.width))
        self.low = numpy.concatenate([numpy.full(atoms.set_count, -numpy.inf), numpy.zeros(self.width - atoms.set_count)])
        self.high = numpy.concatenate([numpy.full(atoms.set_count, numpy.inf), numpy.ones(self.width - atoms.set_count)])

    def _target(self, atom):
        row = numpy.zeros(self.width)
        row[list(self.atoms.cells[atom])] = 1
        return row

    def touched(self, solution):
        """The atoms a solution touches."""
        x = solution[:self.atoms.set_count]
        return [atom for atom, cells in enumerate(self.atoms.cells) if abs(x[list(cells)].sum()) > NEARLY]

    def least(self, atom, k=K):
        """(visitors, atoms) of a leak whose greatest number is at the atom, or None."""
        bounds = numpy.stack([self.low, self.high], axis=1)
        found = optimize.linprog(self.weights, A_ub=self.limits, b_ub=numpy.zeros(self.limits.shape[0]),
                                 A_eq=self._target(atom)[None, :], b_eq=[1], bounds=bounds, method="highs")
        assert found.status == 0, found.message
        if found.fun >= k - NEARLY:
            return None
        return self._seen(found.x, k) or self._exactly(atom, k)

    def _seen(self, solution, k):
        touched = self.touched(solution)
        heads = self.atoms.touched(touched)
        return (heads, touched) if 0 < heads < k else None

    def _exactly(self, atom, k):
        whole = numpy.zeros(self.width)
        whole[self.atoms.set_count:] = 1
        limits = [optimize.LinearConstraint(self.limits, -numpy.inf, 0),
                  optimize.LinearConstraint(self._target(atom)[None, :], 1, 1)]
        found = optimize.milp(self.weights, constraints=limits, integrality=whole, bounds=optimize.Bounds(self.low, self.high),
                              options={"time_limit": MILP_SECONDS})
        return self._seen(found.x, k) if found.x is not None else None


def leaks(sets, visitors, targets=None, k=K):
    """Leaks among linear combinations of sets of views: (visitors, atoms' views) each, the first one found at an atom.
    `targets(atoms)` may choose the atoms to try; all that could be the greatest of a leak are tried without."""
    atoms = Atoms(sets, visitors)
    # A leak touches all visitors of its greatest atom: one of k visitors is none's.
    tried = [atom for atom, heads in enumerate(atoms.heads) if len(heads) < k]
    if targets:
        tried = targets(atoms, tried)
    if not tried:
        return []
    program = Program(atoms)
    for atom in tried:
        leak = program.least(atom, k)
        if leak:
            return [(leak[0], [atoms.views[a] for a in leak[1]])]
    return []
