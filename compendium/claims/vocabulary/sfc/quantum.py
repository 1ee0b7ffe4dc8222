"""What the symbols of Secs. 4 to 8 of Suresh, Frembs and Cavalcanti mean: processes, instruments, quantum queries."""

from __future__ import annotations
