"""Advanced Energy generators on the AE Bus: Cesar, Paramount MF, Apex."""
