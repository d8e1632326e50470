"""The execution environment: one worker process, what it sees of the world, and one invocation at a time.

`execution` holds the life of an environment, `domain` what of it is ended and started anew by a reset, `boot` how its
worker begins, `process` that worker, `variables` its environment variables, `filesystem` what stands for /opt and /tmp,
`reaper` what ends all workers when the emulator itself is killed.
"""
