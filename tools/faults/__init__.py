"""`make faults`: whole requests handed over by the really running system while everything around it fails."""
