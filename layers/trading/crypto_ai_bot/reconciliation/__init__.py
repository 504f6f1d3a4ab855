"""Truth: what a report, a search or a balance means for the books. Pure; every answer is a value.

Invariants (DESIGN 3) that are kept here:
1. A report moves the books by what it adds to what they already hold, so applying it twice, or
   late, or out of order changes nothing (I7).
2. An order is absent only by proof: it can no longer arrive, several complete searches in a row
   did not find it, and the balance of its base coin has not moved; other symbols' orders move
   the quote coin, so that one proves nothing (I10).
3. What cannot be explained is halted and shown to a person; it is never made to agree.
"""
