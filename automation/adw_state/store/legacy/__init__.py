"""Databases that an earlier implementation of this idea made are upgraded in place.

That one had two tables, `adw_executions` and `adw_checkpoints`, and views over them and the tracker's
`issues`, which keep bd from opening its own file after an upgrade. `recognition` tells such a database
by its shape; `upgrade` drops the views, makes our tables and brings the rows over in one transaction,
with `moving` (each row into its table or its archive), `conversion` (what a row becomes), `attempts`
(which attempts are known) and `times` (what its times mean).
"""

from __future__ import annotations

from adw_state.store.legacy.recognition import Legacy, is_earlier_record, recognise
from adw_state.store.legacy.upgrade import Upgrade, look_for, upgrade

__all__ = ["Legacy", "Upgrade", "is_earlier_record", "look_for", "recognise", "upgrade"]
