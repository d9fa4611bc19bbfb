"""Models in formats that hold no code, each as its own library writes it: LightGBM text, XGBoost JSON, skops, ONNX."""

from __future__ import annotations

from typing import Any

from argosy.errors import CorruptError
from argosy.pipelines.formats import estimator
from argosy.pipelines.formats.source import Source
from argosy.spec.format import File, Format

_TEXT, _JSON, _ZIP, _ONNX = b"tree\n", b"{", b"PK\x03\x04", b"\x08"
_PARAMETERS, _SHOWN = 30, 60


class Model(Format):
    """Boosters of LightGBM and XGBoost, ONNX graphs, and estimators and pipelines of these and scikit-learn.

    Which of them it is shows in the first bytes. A booster comes back without the rows it was trained on, one of
    LightGBM cut at its best iteration; estimators come back whole. All predict the same to the last bit.
    """

    name = "model"

    def save(self, value: Any, file: File) -> None:
        """See `Format.save`. Raises `InputError` for an estimator that cannot be kept without code."""
        library = {base.__module__.partition(".")[0]: base.__name__ for base in type(value).__mro__}
        if library.get("lightgbm") == "Booster":
            file.write(value.model_to_string().encode())
        elif library.get("xgboost") == "Booster":
            file.write(value.save_raw("json"))
        elif library.get("onnx") == "ModelProto":
            file.write(value.SerializeToString(deterministic=True))
        else:
            file.write(estimator.dump(value))

    def load(self, file: File, wanted: Any) -> Any:
        """See `Format.load`: what was saved, whatever is wanted."""
        assert isinstance(file, Source)
        data = file.bytes()
        if data.startswith(_ZIP):
            return estimator.load(data)
        if data.startswith(_TEXT):
            import lightgbm  # a second, which only steps that give or take a model need

            return lightgbm.Booster(model_str=data.decode())
        if data.startswith(_JSON):
            import xgboost  # the same

            return xgboost.Booster(model_file=bytearray(data))
        if data.startswith(_ONNX):
            import onnx  # the same

            return onnx.load_model_from_string(data)
        raise CorruptError("these bytes are no model of a known format", next="run its step again")

    def preview(self, value: Any) -> dict[str, Any]:
        """See `Format.preview`: its class, and the parameters of an estimator."""
        given = value.get_params(deep=False) if hasattr(value, "get_params") else getattr(value, "params", {})
        shown = {str(name)[:_SHOWN]: repr(given[name])[:_SHOWN] for name in sorted(given)[:_PARAMETERS]}
        kind = type(value)
        return {"kind": "model", "type": f"{kind.__module__}.{kind.__qualname__}", "parameters": shown}
