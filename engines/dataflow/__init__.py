"""Dataflow: the Flex template of the main job (`python -m engines.dataflow.template`)."""
