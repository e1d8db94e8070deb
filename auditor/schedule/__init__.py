"""The schedule: which zone is looked at when, what stands against it, and who runs it. Read ``rules`` first.

``cron``       five fields → the moments that they mean, in the site's time zone                          (pure)
``plan``       a site's jobs: who is looked at by what times, how they are spread                         (pure)
``days``       days on which no run begins                                                                (pure)
``rules``      what becomes of a due time: started, waiting, skipped, missed                              (pure)
``book``       what was decided and run, kept whole on disk
``logs``       where runs leave what they said
``desk``       pauses, and requests to run now, from other processes
``children``   a run: a process of its own, its output bounded, ended politely and then not
``program``    what a job runs: commands of this very program
``watched``    ``site.yaml`` as it stands on disk, the former one where the new one is faulty
``running``    one turn: look, reap, decide, start
``clockwork``  APScheduler, which calls the turns; nothing else here knows it
``health``     whether all that lives, for ``/healthz`` and ``/readyz``
``foretold``   which runs departments are told of in advance, and in which words they are told
"""
