"""Small networks as estimators of scikit-learn's, as a project declares them; only for environments that hold torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin


class Net(BaseEstimator):
    """Two layers, fitted by Adam on all rows at once; `last` is what the network ends with."""

    def __init__(self, hidden: int = 16, epochs: int = 60, outputs: int = 1, last: type | None = None) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.outputs = outputs
        self.last = last

    def _fit(self, rows: Any, target: torch.Tensor, loss: Any) -> Any:
        layers = [torch.nn.Linear(rows.shape[1], self.hidden), torch.nn.BatchNorm1d(self.hidden), torch.nn.ReLU()]
        layers += [torch.nn.Dropout(0.1), torch.nn.Linear(self.hidden, self.outputs)]
        self.module_ = torch.nn.Sequential(*layers, *([] if self.last is None else [self.last()]))
        given = torch.tensor(rows, dtype=torch.float32)
        steps = torch.optim.Adam(self.module_.parameters(), lr=0.05)
        self.module_.train()
        for _ in range(self.epochs):
            steps.zero_grad()
            loss(self.module_(given), target).backward()
            steps.step()
        self.module_.eval()
        return self

    def _answer(self, rows: Any) -> torch.Tensor:
        with torch.no_grad():
            found: torch.Tensor = self.module_(torch.tensor(rows, dtype=torch.float32))
        return found


class NetRegressor(RegressorMixin, Net):
    def fit(self, rows: Any, labels: Any) -> Any:
        self.mean_, self.scale_ = 0.0, 1.0
        return self._fit(rows, torch.tensor(labels, dtype=torch.float32)[:, None], torch.nn.functional.mse_loss)

    def predict(self, rows: Any) -> Any:
        return self._answer(rows).numpy().reshape(-1)


class NetClassifier(ClassifierMixin, Net):
    """Scores of two classes, which softmax makes probabilities of; or one score, and the logistic function."""

    def fit(self, rows: Any, labels: Any) -> Any:
        self.classes_ = np.unique(labels)
        wanted = torch.tensor(labels)
        if self.outputs == 2:
            return self._fit(rows, wanted.long(), torch.nn.functional.cross_entropy)
        loss = torch.nn.functional.binary_cross_entropy_with_logits
        if self.last is torch.nn.Sigmoid:
            loss = torch.nn.functional.binary_cross_entropy
        return self._fit(rows, wanted.float()[:, None], loss)

    def predict_proba(self, rows: Any) -> Any:
        found = self._answer(rows)
        if self.outputs == 2:
            return torch.softmax(found, dim=1).numpy()
        chance = found if self.last is torch.nn.Sigmoid else torch.sigmoid(found)
        return torch.cat([1 - chance, chance], dim=1).numpy()

    def predict(self, rows: Any) -> Any:
        return self.classes_[self.predict_proba(rows).argmax(axis=1)]


class Tempered(NetClassifier):
    """It answers otherwise than its network."""

    def predict_proba(self, rows: Any) -> Any:
        return super().predict_proba(rows) * 0.5 + 0.25


class Double(torch.nn.Module):
    """A module that takes what precision it is given, as one of skorch's must be here."""

    def __init__(self, inputs: int, hidden: int = 8) -> None:
        super().__init__()
        self.inside = torch.nn.Sequential(torch.nn.Linear(inputs, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, 2))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.inside(rows.float())
        return found


class Turn(torch.nn.Module):
    """It answers rows by how many there are: no graph of one trace does."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows if len(rows) < 5 else -rows


class Branching(NetClassifier):
    def __init__(self, hidden: int = 16, epochs: int = 60, outputs: int = 1, last: type | None = Turn) -> None:
        super().__init__(hidden, epochs, outputs, last)
