"""The comparison: tables, figures and one page.

Needs: scores, answers and timings of all cells; prompts, questions, retrieval metrics and audits
Makes: results/{experiment}/report/: comparison.{csv,parquet,md,tex}, pairs.{csv,parquet}, analysis.json,
       report.html, figures/, config.yaml
"""

SEARCHES = [f"{dataset}/{name}" for dataset, name in grid.searches(CONFIG)]
COMBINED_RUNS = [run for run in SEARCHES if run not in RUNS]
INDEXES = [index(*pair.split("/")) for pair in grid.indexes(CONFIG)]
ROWS = [f"{model}/{cell}" for model in CONFIG.models for cell in CELLS]
PAGE_FILES = [
    repository_file("workflow", "report", name)
    for name in os.listdir(repository_file("workflow", "report"))
]


rule report_comparison:
    input:
        scores=expand("<results>/scores/{row}.parquet", row=ROWS),
        summaries=expand("<results>/scores/{row}.json", row=ROWS),
        answers=expand("<results>/answers/{row}.parquet", row=ROWS),
        timings=expand("<results>/timings/{row}.parquet", row=ROWS),
        prompts=expand("<results>/prompts/{cell}.parquet", cell=CELLS),
        questions=[questions(dataset) for dataset in grid.datasets(CONFIG)],
        retrieval=expand("<results>/retrieval/{run}.json", run=RUNS),
        below=expand("<results>/retrieval/{run}.json", run=COMBINED_RUNS),
        audits=[
            *[f"resources/datasets/{KEYS.datasets[d]}/audit.json" for d in grid.datasets(CONFIG)],
            *[f"resources/corpora/{KEYS.corpora[c]}/audit.json" for c in grid.corpora(CONFIG)],
            *[
                f"resources/coverage/{KEYS.coverage[d]}/coverage.json"
                for d in grid.searched_datasets(CONFIG)
            ],
        ],
        grades=[f"{RESULTS}/grades/{'/'.join(row)}.json" for row in grid.graded_cells(CONFIG)],
        chat_templates=sorted(
            {file for own in MODEL_FILES.values() for file in own["chat_template"]}
        ),
        judge_templates=judge_templates(),
        page=sorted(PAGE_FILES),
        indexes=ancient(INDEXES),
        index_manifests=expand("{index}.json", index=INDEXES),
        manifests=manifests(),
    output:
        csv="<results>/report/comparison.csv",
        parquet="<results>/report/comparison.parquet",
        html=report(
            "<results>/report/report.html",
            caption="../workflow/report/comparison.rst",
            category="Comparison",
        ),
        pairs="<results>/report/pairs.csv",
        pairs_parquet="<results>/report/pairs.parquet",
        analysis="<results>/report/analysis.json",
        markdown="<results>/report/comparison.md",
        latex="<results>/report/comparison.tex",
        config="<results>/report/config.yaml",
        figures=directory("<results>/report/figures"),
    log:
        "logs/report_comparison.log",
    benchmark:
        "benchmarks/report_comparison.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=mem_mb_per_attempt(4000),
        runtime=runtime_per_attempt(240),
    params:
        cells=grid.rows(CONFIG),
        models={name: entry.params() for name, entry in CONFIG.models.items()},
        datasets={name: entry.params() for name, entry in CONFIG.datasets.items()},
        modes={name: entry.params() for name, entry in CONFIG.modes.items()},
        retrievers={name: entry.params() for name, entry in CONFIG.retrievers.items()},
        metrics=CONFIG.metrics.params(),
        sampling=CONFIG.sampling.params(),
        prices={name: m.price.params() for name, m in CONFIG.models.items() if m.price},
        experiment=CONFIG.experiment,
        redacted_config=redacted_config,
        code=code_digest("report_comparison"),
    script:
        "../workflow/scripts/report_comparison.py"
