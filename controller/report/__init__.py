"""Reports: one self-contained HTML page per session (extra ``report``)."""
