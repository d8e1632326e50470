"""The execution environment: a worker process, what it sees of the world, and one invocation at a time.

`execution` holds the life of an environment, with its `start` and its `time_limit`; `domain` what of it a reset ends
and starts anew: the worker and the `extensions`, how they begin (`boot`), rest (`freezer`) and end (`shutdown`);
`process` is one of them, `variables` its environment variables, `filesystem` what stands for /opt and /tmp, `memory`
how much it has; `snapshot` is what workers are `restored` from, over `control` and in `turns`; `surroundings` is what
all environments of an emulator share, and `reaper` ends all of them when the emulator itself is killed.
"""
