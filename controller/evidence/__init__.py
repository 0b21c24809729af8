"""Evidence: what the last runs of campaign, tests, exploration, mutation gate and process trials have shown, and the
safety case that is made of it. The files are described in :mod:`controller.evidence.store`.
"""
