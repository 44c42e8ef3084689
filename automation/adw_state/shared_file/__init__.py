"""What is needed only because our tables lie in the tracker's file.

`home` says that a database lies in such a file, and keeps out of one that br has taken over. The rest is
reconciliation: executions follow their issues through what the tracker does to them
behind our back. The tracker renames issues with foreign keys off (our rows keep the old id), deletes
them (the cascade takes our rows; triggers archive them) and makes them anew (the archived rows belong
back). All of that is put right when a database is opened, in one transaction, and written down in
`adw_reconciliations`:

    renamed       the tracker's events say which id became which, in order, past a watermark
    orphaned      rows without an issue go to the archive, or bd refuses to open in multi-repo mode
    reidentified  an import deleted an issue and made it anew under another id
    restored      archived rows come back when their issue lives
    id_reused     rows of a deleted issue whose id another issue has now stay in the archive

`differences` sees cheaply whether anything is wrong; `reconciling` puts it right, with `renames` (which id
became which) and `returns` (rows get new ids, go to the archive, come back); `reconciliations` writes it
down. Nothing here writes to a table of the tracker, and in a sidecar there is nothing to reconcile.
"""

from __future__ import annotations

from adw_state.shared_file.home import SharedFile, home_of, needs_reconciling, reconcile

__all__ = ["SharedFile", "home_of", "needs_reconciling", "reconcile"]
