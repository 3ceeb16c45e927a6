export default {
  mode: 'production',
  entry: { page: '../app/page.js' },
  // Workers of the type `module` need bundles that are modules.
  experiments: { outputModule: true },
  output: { clean: true, filename: '[name].js', chunkFilename: '[name].js', module: true },
  // The package carries its core as JavaScript: 290 KB that are not to be warned of.
  performance: { maxAssetSize: 400_000 },
};
