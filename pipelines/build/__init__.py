"""The main job: every narrative, aligned, grounded, filtered, joined and measured."""
