"""Rollouts: one revision becomes stable step by step, by moving pointers in rollout.yaml and nothing else.

`record` is the file, `state` where a model stands, `steps` the way ahead, `capacity` what each step needs, `evidence` and `gates` what
speaks for or against the next one, `moves` what each command writes, `brake` the emergency stop on a live cluster.
"""
