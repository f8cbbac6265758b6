"""The COBA network as other packages express it. Nothing here imports brainvar."""
