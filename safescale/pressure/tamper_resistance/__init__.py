"""A defence to measure attacks against: a small first-order baseline in the manner of TAR, documented as such."""

from safescale.pressure.tamper_resistance.defended import train_tamper_resistant
from safescale.pressure.tamper_resistance.record import TamperResistanceRecord, read_defence_record
from safescale.pressure.tamper_resistance.setting import TamperResistanceSetting

__all__ = ["TamperResistanceRecord", "TamperResistanceSetting", "read_defence_record", "train_tamper_resistant"]
