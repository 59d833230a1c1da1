# SPDX-License-Identifier: Apache-2.0
"""The restore drill: what drwatch-restore-drill consists of. Python's standard library and PostgreSQL's own programs, nothing else."""
